/** Options of prediction become what the engine runs with and what a run is known by. */
import { checkInRange, checkInteger, checkOneOf } from "../check.js";
import { COLORSPACES, type Colorspace, DECODE_DEFAULTS, type DecodeOptions } from "../decode/decoder.js";
import { decoderVersion } from "../decode/pool.js";
import { planInBudget } from "../engine/budget.js";
import type { EngineOptions, LoadedModel } from "../engine/engine.js";
import type { DeviceChoice } from "../features/device.js";
import type { Shard } from "../predict/name-hash.js";
import type { OpenTilesOptions } from "../tiles/sources.js";
import { hashModel, RUN_VERSION, type RunIdentity } from "./identity.js";
import { outputFormat } from "./paths.js";
import type { CommitInterval } from "./run-tiles.js";

/** So many tiles may wait in memory until it is certain why they cannot be read. */
const MOST_UNREADABLE = 100_000;

export interface PredictRunOptions {
  /** Folders, files, `.tar` archives, `@list.txt`, or `-` for standard input. */
  inputs: readonly string[];
  /** Ends in .csv, .jsonl or .parquet. */
  out: string;
  /** Adds each tag's probability. @default false */
  probabilities?: boolean | undefined;
  /** One threshold for all tags, 0 to 1. @default the fitted ones */
  threshold?: number | undefined;
  /** Goes on with an interrupted run of `out`; begins one where there is none. @default false */
  resume?: boolean | undefined;
  /** Replaces `out`, and forgets an unfinished run of it. @default false */
  overwrite?: boolean | undefined;
  /** Only the tiles of one shard of several, by a hash of their names. @default all */
  shard?: Shard | undefined;
  /** Decode threads. @default as many as running shows to be best */
  workers?: number | undefined;
  /** Tiles per batch. @default 24 at 224 pixels and 72 at 128 on the CPU, 32 on a GPU */
  batchSize?: number | undefined;
  /** @default what the model was trained with */
  colorspace?: Colorspace | undefined;
  /** @default "reject" */
  onTruncated?: DecodeOptions["onTruncated"] | undefined;
  /** @default 178956970 */
  maxPixels?: number | undefined;
  /** Budget in bytes: fewer sessions and smaller batches keep it, and tiles that would not fit are rejected. @default none */
  memory?: number | undefined;
  /** So many tiles in a row that cannot be read stop the run: what they lie in is gone. null: they are rejected. At most 100000. @default 1000 */
  maxUnreadable?: number | null | undefined;
  /** When what is done gets committed. @default 8192 tiles, 10 seconds */
  commit?: Partial<CommitInterval> | undefined;
  /** What `-` reads. @default process.stdin */
  stdin?: OpenTilesOptions["stdin"];
}

export interface PredictOptions extends PredictRunOptions {
  /** Folder of a trained model. */
  model: string;
  /** Where the model's backbone file is now. @default where its card says */
  backbone?: string | undefined;
  /** @default "auto" */
  device?: DeviceChoice | undefined;
}

/** Workers, sessions and decoding for a model, within the memory budget. */
export function engineOptions({ checkpoint, device }: LoadedModel, options: PredictRunOptions): EngineOptions {
  const { preprocessing } = checkpoint;
  const { workers, batchSize, memory } = options;
  const { plan, tileBytes } = planInBudget({ device, size: preprocessing.size, workers, batchSize, memory });
  const decode = {
    colorspace: options.colorspace ?? preprocessing.colorspace,
    antialias: preprocessing.antialias,
    maxPixels: options.maxPixels ?? DECODE_DEFAULTS.maxPixels,
    maxBytes: tileBytes,
    onTruncated: options.onTruncated ?? DECODE_DEFAULTS.onTruncated,
  };
  return { plan, decode, threshold: options.threshold };
}

/** What a run with these options is, but for its input. */
export function identityOf(
  { checkpoint, device }: LoadedModel,
  { plan, decode }: EngineOptions,
  options: PredictRunOptions,
): Omit<RunIdentity, "input"> {
  return {
    version: RUN_VERSION,
    model: { sha256: hashModel(checkpoint), backbone: checkpoint.card.name, tags: checkpoint.tags },
    settings: {
      format: outputFormat(options.out),
      probabilities: options.probabilities ?? false,
      threshold: options.threshold ?? null,
      ...decode,
      size: checkpoint.preprocessing.size,
      batchSize: plan.batchSize,
      device,
      decoder: decoderVersion(),
    },
    shard: options.shard ?? null,
  };
}

/** RangeError for the first value out of its range. */
export function checkOptions(options: PredictRunOptions): void {
  const { threshold, shard, colorspace, maxPixels, memory, commit, maxUnreadable = null } = options;
  if (memory !== undefined) checkInteger("memory", memory, 1);
  if (threshold !== undefined) checkInRange("threshold", threshold, 0, 1);
  if (colorspace !== undefined) checkOneOf("colorspace", colorspace, COLORSPACES);
  if (options.onTruncated !== undefined) checkOneOf("onTruncated", options.onTruncated, ["reject", "accept"]);
  if (maxPixels !== undefined) checkInteger("maxPixels", maxPixels, 1);
  if (options.batchSize !== undefined) checkInteger("batchSize", options.batchSize, 1, 4096);
  if (maxUnreadable !== null) checkInteger("maxUnreadable", maxUnreadable, 1, MOST_UNREADABLE);
  if (commit?.tiles !== undefined) checkInteger("commit.tiles", commit.tiles, 1);
  if (commit?.seconds !== undefined) checkInRange("commit.seconds", commit.seconds, 0, 86_400);
  if (shard !== undefined) {
    checkInteger("shard.count", shard.count, 1, 1_000_000);
    checkInteger("shard.index", shard.index, 1, shard.count);
  }
}
