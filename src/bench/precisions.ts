/** Floats, half precision and 8-bit integers in one run: the sessions alone, and all of `canopy predict`, in turn. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DecodePool } from "../decode/pool.js";
import { integerFormOn, type Kernels, kernelsOn, precisionOn } from "../features/kernels.js";
import { measurePipeline } from "../features/measure.js";
import { observeRanges } from "../features/observe-ranges.js";
import { planPipeline } from "../features/plan.js";
import { predictWith } from "../operations/predict.js";
import type { Precision } from "../quantise/precision.js";
import { prepareWith } from "../quantise/prepare.js";
import type { RunContext } from "../run-context.js";
import { benchModel } from "./bench-model.js";
import { asTiles, openSessions, type PreparedBackbone, type RateEffort } from "./rates.js";
import { roughly, summarize } from "./statistics.js";

/** Medians over the rounds. Milliseconds are processor time of a tile, all threads together. */
export interface PrecisionRates {
  precision: Precision;
  /** What computes with int8; null with floats. */
  kernels: Kernels | null;
  bare_tiles_per_s: number;
  bare_cpu_ms: number;
  predict_tiles_per_s: number;
  predict_cpu_ms: number;
  samples: Record<"bare_tiles_per_s" | "bare_cpu_ms" | "predict_tiles_per_s" | "predict_cpu_ms", number[]>;
}

/** `backbone` with each precision; ranges are observed on `paths` if its card has none. */
export async function measurePrecisions(
  paths: readonly string[],
  many: readonly string[],
  backbone: PreparedBackbone,
  precisions: readonly Precision[],
  effort: RateEffort,
  context: RunContext,
): Promise<PrecisionRates[]> {
  const backbones = await prepareAll(paths, backbone, precisions, context);
  const samples = precisions.map((): PrecisionRates["samples"] => ({
    bare_tiles_per_s: [],
    bare_cpu_ms: [],
    predict_tiles_per_s: [],
    predict_cpu_ms: [],
  }));
  for (let round = 0; round < effort.rounds; round++) {
    for (const [i, each] of backbones.entries()) {
      const { tilesPerS, cpuMs } = await predictAll(many, each, precisions[i], context);
      const bare = await measureBare(paths, each, effort, context);
      samples[i].bare_tiles_per_s.push(bare.bare[0]);
      samples[i].bare_cpu_ms.push(bare.bareCpu[0]);
      samples[i].predict_tiles_per_s.push(tilesPerS);
      samples[i].predict_cpu_ms.push(cpuMs);
    }
  }
  return precisions.map((precision, i) => {
    const median = (name: keyof PrecisionRates["samples"]) => roughly(summarize(samples[i][name]).median);
    return {
      precision,
      kernels: precision === "int8" ? kernelsOn(backbone.device).kernels : null,
      bare_tiles_per_s: median("bare_tiles_per_s"),
      bare_cpu_ms: median("bare_cpu_ms"),
      predict_tiles_per_s: median("predict_tiles_per_s"),
      predict_cpu_ms: median("predict_cpu_ms"),
      samples: samples[i],
    };
  });
}

async function prepareAll(
  paths: readonly string[],
  backbone: PreparedBackbone,
  precisions: readonly Precision[],
  context: RunContext,
): Promise<PreparedBackbone[]> {
  const { resolved, size, model } = backbone;
  const needsRanges = precisions.includes("int8") && resolved.card.ranges === undefined;
  const ranges = needsRanges ? await observeRanges(asTiles(paths), { model, size }, context) : undefined;
  const card = ranges === undefined ? resolved.card : { ...resolved.card, ranges };
  return precisions.map((precision) => ({
    ...backbone,
    resolved: { ...resolved, card },
    model: prepareWith(precisionOn(backbone.device, precision), resolved.bytes, card, size, {
      form: integerFormOn(backbone.device),
    }),
  }));
}

async function measureBare(
  paths: readonly string[],
  backbone: PreparedBackbone,
  { seconds }: RateEffort,
  { signal }: RunContext,
) {
  const { workers, sessions, batchSize } = planPipeline(backbone);
  const pool = new DecodePool({ workers });
  const open = await openSessions(backbone, sessions);
  try {
    const options = { backbone: open, pool, batchSize, rounds: 1, ...(signal && { signal }) };
    return await measurePipeline(asTiles(paths), { ...options, ...(seconds !== undefined && { seconds }) });
  } finally {
    await Promise.all([pool.close(), open.close()]);
  }
}

async function predictAll(
  paths: readonly string[],
  backbone: PreparedBackbone,
  precision: Precision,
  { signal }: RunContext,
): Promise<{ tilesPerS: number; cpuMs: number }> {
  const { workers, batchSize } = planPipeline(backbone);
  const folder = await mkdtemp(join(tmpdir(), "canopy-bench-"));
  try {
    const options = { inputs: paths, out: join(folder, "tags.csv"), workers, batchSize };
    const before = process.cpuUsage();
    const { tilesPerS } = await predictWith(benchModel(backbone, precision), options, signal ? { signal } : {});
    const { user, system } = process.cpuUsage(before);
    return { tilesPerS: tilesPerS ?? 0, cpuMs: (user + system) / 1000 / paths.length };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
