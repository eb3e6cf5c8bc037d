/**
 * `bench predict`: files to features compared with ONNX Runtime alone, by batch size and decode workers; and all of
 * `canopy predict`, files to a CSV.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { checkInteger, checkOneOf } from "../check.js";
import { planPipeline } from "../features/plan.js";
import { predictWith } from "../operations/predict.js";
import { PRECISIONS, type Precision } from "../quantise/precision.js";
import type { RunContext } from "../run-context.js";
import { benchModel } from "./bench-model.js";
import { type MachineFacts, machineFacts, versionFacts } from "./facts.js";
import { interruptible } from "./interrupted.js";
import { measurePrecisions, type PrecisionRates } from "./precisions.js";
import {
  asTiles,
  type BackboneOptions,
  measureRate,
  openSessions,
  type PreparedBackbone,
  prepare,
  type Rate,
  type RateEffort,
  type RateSetting,
} from "./rates.js";
import { roughly, summarize } from "./statistics.js";
import { openBenchTiles } from "./tiles.js";
import { workerCounts } from "./trials.js";

interface BenchPredictOptions extends BackboneOptions {
  /** Folders, files, `.tar` and `.zip` archives, `@list.txt` or `-`. @default generated tiles */
  inputs?: readonly string[] | undefined;
  /** Batch sizes to measure. @default 1, 4, 16, 64 on the CPU, 16, 32, 64 on a GPU, and that of `canopy predict` */
  batchSizes?: readonly number[] | undefined;
  /** The largest number of decode workers. @default one per core */
  workers?: number | undefined;
  /** Rounds. @default 3 */
  repeats?: number | undefined;
  /**
   * Seconds that each rate is measured at least in each round; a run of `canopy predict` takes about four times that.
   * @default 2
   */
  seconds?: number | undefined;
  /** Compared in turn, unless it is "fp32" alone; the rest of the report is of floats. @default ["fp32"] */
  precisions?: readonly Precision[] | undefined;
  /** At most this many tiles, evenly spread over the input. @default 480 */
  limit?: number | undefined;
}

/** What `--json` prints; the keys are stable. */
export interface BenchPredictReport {
  tiles: number;
  backbone: string;
  size: number;
  device: string;
  /**
   * By batch size, with the workers of `canopy predict`; then by workers, with its batch size; then with one session
   * less.
   */
  runs: Rate[];
  /**
   * All of `canopy predict`, files to a CSV with every tile's tags, without start-up. The tiles are repeated until
   * there are so many.
   */
  predict: {
    tiles: number;
    batch_size: number;
    workers: number;
    tiles_per_s: number;
    spread: [number, number];
    samples: number[];
  };
  /** The precisions that were compared. */
  precisions?: PrecisionRates[];
  machine: MachineFacts;
  versions: Record<string, string>;
}

export function benchPredict(options: BenchPredictOptions = {}, context: RunContext = {}): Promise<BenchPredictReport> {
  return interruptible(() => measure(options, context));
}

async function measure(options: BenchPredictOptions, context: RunContext): Promise<BenchPredictReport> {
  const { inputs, repeats = 3, seconds = 2, limit = 480 } = options;
  checkInteger("repeats", repeats, 1, 1000);
  checkInteger("limit", limit, 1, 100_000);
  const { precisions = ["fp32"] } = options;
  for (const precision of precisions) checkOneOf("precision", precision, PRECISIONS);
  const backbone = await prepare(options);
  const settings = listSettings(options, backbone);
  const tiles = await openBenchTiles({ inputs, limit }, context);
  if (tiles.unfit > 0) context.onWarning?.(`${tiles.unfit} tiles are left out: no JPEGs, or damaged.`);
  try {
    const effort = { rounds: repeats, seconds };
    const runs = await measureRuns(tiles.paths, backbone, settings, effort, context);
    const fastest = Math.max(...runs.map((run) => run.tiles_per_s));
    const times = Math.max(1, Math.ceil((4 * seconds * fastest) / tiles.paths.length));
    const many = Array.from({ length: times }, () => tiles.paths).flat();
    return {
      tiles: tiles.paths.length,
      backbone: backbone.resolved.card.name,
      size: backbone.size,
      device: backbone.device,
      runs,
      predict: await measurePredict(many, backbone, { repeats, before: settings.length }, context),
      ...(precisions.join() !== "fp32" && {
        precisions: await measurePrecisions(tiles.paths, many, backbone, precisions, effort, context),
      }),
      machine: machineFacts(),
      versions: versionFacts(),
    };
  } finally {
    await tiles.close();
  }
}

/** A setting, and how many sessions it is measured with. */
interface RunSetting extends RateSetting {
  sessions: number;
}

/** The plan's own setting first, then others, each once. */
function listSettings({ batchSizes, workers }: BenchPredictOptions, backbone: PreparedBackbone): RunSetting[] {
  const { device, size } = backbone;
  const plan = planPipeline({ device, size });
  for (const batchSize of batchSizes ?? []) checkInteger("batchSize", batchSize, 1, 4096);
  if (workers !== undefined) checkInteger("workers", workers, 1, 256);
  const sizes = batchSizes ?? (device === "cpu" ? [1, 4, 16, 64] : [16, 32, 64]);
  const counts = workerCounts(workers ?? Math.max(plan.workers, 2));
  const { workers: planned, sessions, batchSize: batch } = plan;
  const settings = [
    ...sizes.map((batchSize) => ({ batchSize, workers: planned, sessions })),
    ...counts.map((count) => ({ batchSize: batch, workers: count, sessions })),
    // With one core free of sessions, decoding takes no time from them: what is lost then is waiting.
    ...(device === "cpu" && sessions > 1 ? [{ batchSize: batch, workers: planned, sessions: sessions - 1 }] : []),
  ];
  const key = (setting: RunSetting) => `${setting.batchSize}/${setting.workers}/${setting.sessions}`;
  return settings.filter((setting, i) => settings.findIndex((other) => key(other) === key(setting)) === i);
}

async function measureRuns(
  paths: readonly string[],
  backbone: PreparedBackbone,
  settings: readonly RunSetting[],
  effort: RateEffort,
  context: RunContext,
): Promise<Rate[]> {
  const runs: Rate[] = [];
  let open = await openSessions(backbone, settings[0].sessions);
  try {
    for (const setting of settings) {
      if (open.sessions !== setting.sessions) {
        await open.close();
        open = await openSessions(backbone, setting.sessions);
      }
      runs.push(await measureRate(asTiles(paths), open, setting, effort, context));
      reportTrials(runs.length, settings.length + effort.rounds, context);
    }
  } finally {
    await open.close();
  }
  return runs;
}

function reportTrials(done: number, total: number, { onProgress }: RunContext): void {
  onProgress?.({ stage: "measure", done, total, rejected: 0, unit: "trials" });
}

/** `before`: trials that have been measured. */
async function measurePredict(
  paths: readonly string[],
  backbone: PreparedBackbone,
  { repeats, before }: { repeats: number; before: number },
  context: RunContext,
): Promise<BenchPredictReport["predict"]> {
  const { signal } = context;
  const { workers, batchSize } = planPipeline(backbone);
  const folder = await mkdtemp(join(tmpdir(), "canopy-bench-"));
  const samples: number[] = [];
  try {
    for (let round = 0; round <= repeats; round++) {
      const options = { inputs: paths, out: join(folder, `${round}.csv`), workers, batchSize };
      const summary = await predictWith(benchModel(backbone), options, signal === undefined ? {} : { signal });
      // The first round warms up.
      if (round === 0) continue;
      samples.push(roughly(summary.tilesPerS!));
      reportTrials(before + round, before + repeats, context);
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  const { median, low, high } = summarize(samples);
  const spread: [number, number] = [roughly(low), roughly(high)];
  return { tiles: paths.length, batch_size: batchSize, workers, tiles_per_s: roughly(median), spread, samples };
}
