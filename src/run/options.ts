/** Options of a bulk prediction, and the identity of its run. */
import { checkInRange, checkInteger, checkOneOf, type OptionKinds, refuseBoth } from "../check.js";
import { decoderVersion } from "../decode/pool.js";
import { type EngineOptions, type LoadedModel, type LoadedNetwork, networkOf } from "../engine/engine.js";
import { checkEngineSettings, ENGINE_SETTINGS, type EngineSettings } from "../engine/settings.js";
import type { DeviceChoice } from "../features/device.js";
import type { CsvOptions } from "../files/csv.js";
import type { TileInputs } from "../tiles/inputs.js";
import { NAMINGS, type Naming } from "../tiles/names.js";
import type { Shard } from "../tiles/shard.js";
import type { OpenTilesOptions } from "../tiles/sources.js";
import { RUN_VERSION } from "./formats.js";
import { hashModel, type RunKind } from "./identity.js";
import { outputFormat } from "./paths.js";
import type { CommitInterval } from "./run-tiles.js";

/** Unreadable tiles that may wait in memory until a lost input is ruled out. */
const MOST_UNREADABLE = 100_000;

/** Options of every bulk run, whatever its rows. */
export interface BulkOptions extends Omit<EngineSettings, "threshold"> {
  /** Folders, files, archives, patterns, `@list.txt`, or `-` for standard input. */
  inputs: TileInputs;
  /** The file to write. */
  out: string;
  /** Goes on with an interrupted run of `out`; begins one if there is none. @default false */
  resume?: boolean | undefined;
  /** Replaces `out`, and forgets an unfinished run of it. @default false */
  overwrite?: boolean | undefined;
  /** Only the tiles of one shard of several: whole archives, or by a hash of their names. @default all */
  shard?: Shard | undefined;
  /**
   * What a tile is called: its file, or its path below the input or in its archive, which tells tiles of several folders
   * apart; without its ending. @default "file"
   */
  names?: Naming | undefined;
  /**
   * So many unreadable tiles in a row stop the run, because their share, disk or archive is gone. null: they are
   * rejected. At most 100000. @default 1000
   */
  maxUnreadable?: number | null | undefined;
  /** When a part is committed. @default 8192 tiles, 10 seconds */
  commit?: Partial<CommitInterval> | undefined;
  /** The stream that `-` reads. @default process.stdin */
  stdin?: OpenTilesOptions["stdin"];
}

export interface PredictRunOptions extends BulkOptions, EngineSettings, CsvOptions {
  /** Ends in .csv, .jsonl or .parquet. */
  out: string;
  /** Adds each tag's probability. @default false */
  probabilities?: boolean | undefined;
}

export interface PredictOptions extends PredictRunOptions {
  /** Folder of a trained model. */
  model: string;
  /** The model's backbone file. @default as its card says */
  backbone?: string | undefined;
  /** What the backbone runs on. @default "auto" */
  device?: DeviceChoice | undefined;
}

const { threshold: _threshold, ...BULK_SETTINGS } = ENGINE_SETTINGS;

export const BULK_OPTIONS: OptionKinds<BulkOptions> = {
  inputs: "strings",
  out: "string",
  resume: "boolean?",
  overwrite: "boolean?",
  shard: true,
  names: true,
  maxUnreadable: true,
  commit: true,
  stdin: true,
  ...BULK_SETTINGS,
};

export const PREDICT_OPTIONS: OptionKinds<PredictOptions> = {
  model: "string",
  backbone: "string?",
  device: true,
  probabilities: "boolean?",
  escapeFormulas: "boolean?",
  ...BULK_OPTIONS,
  ...ENGINE_SETTINGS,
};

/** The identity of a run with these options, except its input. */
export function identityOf(model: LoadedModel, setup: EngineOptions, options: PredictRunOptions): RunKind {
  const { checkpoint } = model;
  return {
    version: RUN_VERSION,
    model: { sha256: hashModel(checkpoint), backbone: checkpoint.card.name, tags: checkpoint.tags },
    settings: {
      probabilities: options.probabilities ?? false,
      escapeFormulas: options.escapeFormulas ?? false,
      threshold: options.threshold ?? null,
      ...settingsOf(networkOf(model), setup, options),
    },
    shard: options.shard ?? null,
  };
}

/** Settings of any run: how tiles are decoded, and what the network runs on. */
export function settingsOf(
  { preprocessing, device }: LoadedNetwork,
  { plan, decode }: EngineOptions,
  { out, names = "file" }: Pick<BulkOptions, "out" | "names">,
) {
  // How bands are read is the model's, and in its hash.
  const { bands: _, stretch: __, ...decoding } = decode;
  return {
    format: outputFormat(out),
    ...(names !== "file" && { names }),
    ...decoding,
    size: preprocessing.size,
    batchSize: plan.batchSize,
    device,
    decoder: decoderVersion(),
  };
}

/** Throws an OptionError for the first value out of its range. */
export function checkOptions(options: PredictRunOptions): void {
  checkBulkOptions(options);
  checkEngineSettings(options);
}

/** The same for any bulk run. */
export function checkBulkOptions(options: BulkOptions): void {
  const { shard, commit, maxUnreadable = null } = options;
  checkEngineSettings(options);
  refuseBoth(options);
  if (options.names !== undefined) checkOneOf("names", options.names, NAMINGS);
  if (maxUnreadable !== null) checkInteger("maxUnreadable", maxUnreadable, 1, MOST_UNREADABLE);
  if (commit?.tiles !== undefined) checkInteger("commit.tiles", commit.tiles, 1);
  if (commit?.seconds !== undefined) checkInRange("commit.seconds", commit.seconds, 0, 86_400);
  if (shard !== undefined) {
    checkInteger("shard.count", shard.count, 1, 1_000_000);
    checkInteger("shard.index", shard.index, 1, shard.count);
  }
}
