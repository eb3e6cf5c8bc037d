/** A backbone's rates: files to features, and its sessions alone, with the same sessions in the same run. */
import { DecodePool } from "../decode/pool.js";
import { Backbone } from "../features/backbone.js";
import { chooseDevice, type Device, type DeviceChoice } from "../features/device.js";
import { measurePipeline } from "../features/measure.js";
import { defaultBackbone, type ResolvedBackbone, resolveBackbone } from "../models/registry.js";
import { prepareBackbone } from "../onnx/prepare.js";
import type { RunContext } from "../run-context.js";
import type { Tile } from "../tiles/tile.js";
import { benchInterrupted } from "./interrupted.js";
import { roughly, summarize } from "./statistics.js";

export interface BackboneOptions {
  /** Name or FILE.onnx. @default the one in the box */
  backbone?: string | undefined;
  /** Pixels per side. @default the backbone's */
  size?: number | undefined;
  /** @default "auto" */
  device?: DeviceChoice | undefined;
}

export interface PreparedBackbone {
  resolved: ResolvedBackbone;
  size: number;
  device: Device;
  /** uint8 tiles in, features out. */
  model: Uint8Array;
}

export async function prepare({ backbone, size, device }: BackboneOptions): Promise<PreparedBackbone> {
  const resolved = await resolveBackbone(backbone ?? defaultBackbone(), size === undefined ? {} : { size });
  const { fixedSize, defaultSize } = resolved.card.input;
  const pixels = size ?? fixedSize ?? defaultSize;
  const model = prepareBackbone(resolved.bytes, resolved.card, pixels);
  return { resolved, size: pixels, device: await chooseDevice(device), model };
}

/** @param sessions if absent, the default of the device */
export function openSessions(
  { model, size, device, resolved }: PreparedBackbone,
  sessions?: number,
): Promise<Backbone> {
  const numFeatures = resolved.card.features.count;
  return Backbone.open({ model, size, device, numFeatures, ...(sessions === undefined ? {} : { sessions }) });
}

/** How long to measure. */
export interface RateEffort {
  rounds: number;
  /** Seconds that each measurement takes at least. @default 2 */
  seconds?: number | undefined;
}

/** One setting: workers, sessions and batch size, with its rates. */
export interface RateSetting {
  workers: number;
  batchSize: number;
}

export interface Rate {
  batch_size: number;
  workers: number;
  sessions: number;
  /** Files to features. */
  tiles_per_s: number;
  /** Quartiles over the rounds. */
  spread: [number, number];
  /** The same sessions on ready-made tensors. */
  bare_tiles_per_s: number;
  /** Median of the rounds' own ratios. */
  share: number;
  /** The same for processor time per tile, which changes less on a busy machine. */
  cpu_share: number;
  samples: { tiles_per_s: number[]; bare_tiles_per_s: number[] };
}

export async function measureRate(
  tiles: readonly Tile[],
  backbone: Backbone,
  { workers, batchSize }: RateSetting,
  { rounds, seconds }: RateEffort,
  { signal }: RunContext,
): Promise<Rate> {
  if (signal?.aborted) throw benchInterrupted();
  const pool = new DecodePool({ workers });
  try {
    const options = { backbone, pool, batchSize, rounds, ...(signal === undefined ? {} : { signal }) };
    const rates = await measurePipeline(tiles, { ...options, ...(seconds === undefined ? {} : { seconds }) });
    const { median, low, high } = summarize(rates.pipeline);
    return {
      batch_size: batchSize,
      workers,
      sessions: backbone.sessions,
      tiles_per_s: roughly(median),
      spread: [roughly(low), roughly(high)],
      bare_tiles_per_s: roughly(summarize(rates.bare).median),
      share: roughly(rates.share),
      cpu_share: roughly(rates.cpuShare),
      samples: { tiles_per_s: rates.pipeline.map(roughly), bare_tiles_per_s: rates.bare.map(roughly) },
    };
  } finally {
    await pool.close();
  }
}

export function asTiles(paths: readonly string[]): Tile[] {
  return paths.map((path, i) => ({ name: `${i}`, path }));
}
