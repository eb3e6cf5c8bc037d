/** `embed`: tiles in, a file of their features out, in bulk, without losing a tile. */
import { checkKinds } from "../check.js";
import { DECODE_DEFAULTS } from "../decode/decoder.js";
import { Engine, networkOf } from "../engine/engine.js";
import { openModel } from "../engine/open-model.js";
import { networkOptions } from "../engine/settings.js";
import { InterruptedError } from "../errors.js";
import { chooseDevice } from "../features/device.js";
import { integerFormOn } from "../features/kernels.js";
import { planForTiles } from "../features/plan.js";
import type { ModelCard } from "../models/card.js";
import { resolveBackbone } from "../models/registry.js";
import { preparedNetwork } from "../quantise/network.js";
import type { Precision } from "../quantise/precision.js";
import {
  checkEmbedOptions,
  EMBED_OPTIONS,
  type EmbedOptions,
  embedIdentity,
  type NamedNetwork,
} from "../run/embed-options.js";
import { embeddingFormat } from "../run/output.js";
import { outputFormat } from "../run/paths.js";
import { COMMIT_DEFAULTS } from "../run/run-tiles.js";
import type { RunContext } from "../run-context.js";
import { type EmbeddingRow, embeddingRows } from "../tags/embeddings.js";
import { type BulkSummary, runInBulk } from "./bulk-run.js";

export type { EmbedOptions };

/** A part waits in memory until it is committed: so many bytes of features at most. */
const PART_BYTES = 16 << 20;

export interface EmbedSummary extends BulkSummary {
  /** `tiles` - `rejected`. */
  embedded: number;
  /** Length of an embedding. */
  numFeatures: number;
  /** Name of the backbone. */
  backbone: string;
  precision: Precision;
}

/**
 * Writes the features of all tiles of the inputs into `options.out`: those that the head of the model gets, or those of
 * a backbone without a model. Everything else is as in `predict`: rejects, manifest, shards, resuming, errors.
 */
export async function embed(options: EmbedOptions, context: RunContext = {}): Promise<EmbedSummary> {
  checkKinds(options, EMBED_OPTIONS);
  checkEmbedOptions(options);
  const format = embeddingFormat(outputFormat(options.out));
  const named = await openNetwork(options, context);
  if (context.signal?.aborted) throw new InterruptedError();
  const { network, name: backbone, precision } = named;
  const { device, numFeatures } = network;
  const setup = networkOptions(network, options);
  const identity = embedIdentity(named, setup, options);
  const toRows = async (features: Float32Array, rows: number) => embeddingRows(features, rows, numFeatures);
  const open = (count: number) =>
    Engine.openWith(network, { ...setup, plan: planForTiles(setup.plan, count) }, toRows, context);
  const tiles = Math.max(1, Math.min(COMMIT_DEFAULTS.tiles, Math.floor(PART_BYTES / (4 * numFeatures))));
  const kind = { identity, format, commit: { ...COMMIT_DEFAULTS, tiles }, device, open };
  const summary = await runInBulk<EmbeddingRow>(options, kind, context);
  return { ...summary, embedded: summary.tiles - summary.rejected, numFeatures, backbone, precision };
}

function openNetwork(options: EmbedOptions, context: RunContext): Promise<NamedNetwork> {
  const { model, backbone } = options;
  return model === undefined ? openBackbone(backbone!, options, context) : openTrained(model, options, context);
}

async function openTrained(folder: string, options: EmbedOptions, { signal }: RunContext): Promise<NamedNetwork> {
  const model = await openModel(folder, { ...options, signal });
  const { card, precision = "fp32" } = model.checkpoint;
  return { network: networkOf(model), name: card.name, facts: factsOf(card, precision), precision };
}

async function openBackbone(
  backbone: string,
  { features = "last", device, ...given }: EmbedOptions,
  { signal, onWarning }: RunContext,
): Promise<NamedNetwork> {
  const { card, bytes } = await resolveBackbone(backbone, {
    ...(given.size !== undefined && { size: given.size }),
    ...(given.normalisation !== undefined && { normalisation: given.normalisation }),
    ...(given.tokens !== undefined && { tokens: given.tokens }),
    ...(onWarning && { onWarning }),
    pyramid: features === "pyramid",
    signal,
  });
  const size = given.size ?? card.input.fixedSize ?? card.input.defaultSize;
  const { colorspace, antialias } = DECODE_DEFAULTS;
  const chosen = await chooseDevice(device);
  const network = {
    backbone: await preparedNetwork("fp32", bytes, card, size, integerFormOn(chosen)),
    device: chosen,
    preprocessing: { size, colorspace, antialias, tta: "none" as const },
    numFeatures: card.features.count,
  };
  return { network, name: card.name, facts: factsOf(card, "fp32"), precision: "fp32" };
}

/** What features depend on. */
function factsOf({ sha256, input, features, ranges }: ModelCard, precision: Precision): unknown[] {
  const { name, layout, channels, scale, mean, std } = input;
  const rounding = precision === "int8" ? [ranges] : [];
  return [sha256, name, layout, channels, scale, mean, std, features, precision, ...rounding];
}
