/** What the trainings of a fine-tuning share: the network with its weights, its tiles, and the engine that does the steps. */

import type { DecodeOptions } from "../decode/decoder.js";
import { DecodePool } from "../decode/pool.js";
import type { FinetuneConfig } from "../finetune/config.js";
import { createTuningEngine } from "../finetune/create-engine.js";
import type { TunableModel, TuningEngine } from "../finetune/engine.js";
import { type SplitNetwork, splitNetwork } from "../finetune/split-network.js";
import { openTunable, type TunableBackbone } from "../finetune/tunable.js";
import { openTuningMaps } from "../finetune/tuning-maps.js";
import type { TuningSource } from "../finetune/tuning-source.js";
import { TuningTiles } from "../finetune/tuning-tiles.js";
import { usableCores } from "../machine.js";
import type { ResolvedBackbone } from "../models/registry.js";
import { isRemote } from "../remote/address.js";
import type { RunContext } from "../run-context.js";
import type { Dataset } from "./dataset.js";

interface TuningSetupOptions {
  dataset: Dataset;
  backbone: ResolvedBackbone;
  /** Pixels per side. */
  size: number;
  config: FinetuneConfig;
  /** Decode workers. @default one per core */
  workers?: number | undefined;
  /** A head, of which the sizes count. */
  head: Pick<TunableModel, "head" | "numFeatures" | "numTags">;
}

interface TuningSetup {
  tunable: TunableBackbone;
  source: TuningSource;
  engine: TuningEngine;
  close(): Promise<void>;
}

export async function openTuning(options: TuningSetupOptions, context: RunContext): Promise<TuningSetup> {
  const { dataset, backbone, size, config, head } = options;
  const tunable = openTunable(backbone, size, config.blocks);
  const split = splitIfUseful(tunable, options, context);
  const { source, close } = await openSource(options, split, context);
  try {
    const network = split === undefined ? tunable.network : split.upper;
    const { engine, reason } = await createTuningEngine(
      { ...tunable, network, ...(split && { stored: split.floats }), ...head },
      { threads: usableCores(), device: dataset.device, batchSize: config.batchSize },
    );
    const by = engine.name === "native" ? "native kernels" : `ONNX Runtime, not by the native kernels: ${reason}`;
    context.onNotice?.(`Fine-tuning by ${by}.`);
    return { tunable, source, engine, close: async () => void (await Promise.all([close(), engine.close()])) };
  } catch (error) {
    await close();
    throw error;
  }
}

/** So many blocks below those that learn may be part of what runs in each step, if the maps below them are smaller. */
const LOWER = 2;

/** The network in two parts, if the maps between them are worth to be kept. */
function splitIfUseful(
  { network, blocks: all, size }: TunableBackbone,
  { config: { blocks }, dataset: { tiles } }: Pick<TuningSetupOptions, "config" | "dataset">,
  { onNotice }: RunContext,
): SplitNetwork | undefined {
  if (blocks === "all") return undefined;
  const splits = Array.from({ length: LOWER + 1 }, (_, more) =>
    splitNetwork(network, all.slice(-blocks - more).flat()),
  );
  const split = splits.reduce((best, each) =>
    "reason" in best || !("floats" in each) || each.floats >= best.floats ? best : each,
  );
  const isFar = tiles.some(({ path }) => isRemote(path));
  const reason = isFar ? "the tiles are on a server" : "reason" in split ? split.reason : tooLarge(split, size);
  if (reason !== undefined) onNotice?.(`The maps below the blocks that learn are computed in each epoch: ${reason}.`);
  return reason === undefined ? (split as SplitNetwork) : undefined;
}

/** To read larger ones takes about as long as to compute them. */
function tooLarge({ floats }: SplitNetwork, size: number): string | undefined {
  return floats > 3 * size ** 2 ? "kept, they would be larger than the tiles" : undefined;
}

async function openSource(
  { dataset, size, config, workers = usableCores() }: TuningSetupOptions,
  split: SplitNetwork | undefined,
  context: RunContext,
): Promise<{ source: TuningSource; close: () => Promise<void> }> {
  const { tiles, device } = dataset;
  const decode: DecodeOptions = { ...dataset.decode, size };
  const { batchSize } = config;
  if (split !== undefined) {
    const source = await openTuningMaps({ split, tiles, decode, device, workers, batchSize }, context);
    return { source, close: async () => source.close() };
  }
  const pool = new DecodePool({ workers }, context);
  const source = new TuningTiles({ pool, tiles, decode, batchSize, signal: context.signal });
  return { source, close: () => pool.close() };
}
