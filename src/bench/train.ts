/**
 * `bench train`: the parts of a training: features from files, optimiser steps by each stepper, and L-BFGS to
 * convergence.
 */
import { loadAddon } from "../addon.js";
import { checkInteger } from "../check.js";
import { planPipeline } from "../features/plan.js";
import type { RunContext } from "../run-context.js";
import { BATCH_SIZE } from "./contender-head.js";
import { ContenderProcess } from "./contender-process.js";
import { type MachineFacts, machineFacts, versionFacts } from "./facts.js";
import { type FinetuneResult, measureFinetune } from "./finetune.js";
import { interruptible } from "./interrupted.js";
import { TAGS } from "./made-up.js";
import {
  asTiles,
  type BackboneOptions,
  measureRate,
  openSessions,
  type PreparedBackbone,
  prepare,
  type Rate,
  type RateEffort,
} from "./rates.js";
import { type Runner, ratesOf, runRounds } from "./rounds.js";
import { roughly, summarize } from "./statistics.js";
import { measureStored, type StoredResult } from "./stored.js";
import { openBenchTiles } from "./tiles.js";
import type { AbsentTrial } from "./trials.js";

interface BenchTrainOptions extends BackboneOptions {
  /** Folders, files, `.tar` and `.zip` archives, `@list.txt` or `-`. @default generated tiles */
  inputs?: readonly string[] | undefined;
  /** Made-up tiles that L-BFGS trains on. @default 2000 */
  rows?: number | undefined;
  /** Also trains once on this many made-up tiles whose features are streamed from disk. @default none */
  stored?: number | undefined;
  /** Also measures steps of fine-tuning. @default false */
  finetune?: boolean | undefined;
  /** Rounds. @default 5 */
  repeats?: number | undefined;
  /** Seconds that extraction is measured at least in each round. @default 2 */
  seconds?: number | undefined;
  /** At most this many tiles, evenly spread over the input. @default 240 */
  limit?: number | undefined;
}

interface StepResult {
  stepper: string;
  ms_per_step: number;
  /** Quartiles over the rounds. */
  spread: [number, number];
  samples: number[];
  version: string;
}

/** What `--json` prints; the keys are stable. */
export interface BenchTrainReport {
  tiles: number;
  backbone: string;
  size: number;
  device: string;
  num_features: number;
  num_tags: number;
  extraction: Rate;
  /** One RMSprop step on a batch, native kernels and ONNX Runtime; medians over rounds of about half a second. */
  batch_size: number;
  steps: StepResult[];
  /** Steppers that did not run, and why. */
  absent: AbsentTrial[];
  /** L-BFGS to convergence, the penalty chosen by cross-validation, all tags. */
  lbfgs: { rows: number; seconds: number; spread: [number, number]; samples: number[] };
  /** Present if it was asked for. */
  stored?: StoredResult;
  finetune?: FinetuneResult;
  machine: MachineFacts;
  versions: Record<string, string>;
}

const STEP_SECONDS = 0.5;

export function benchTrain(options: BenchTrainOptions = {}, context: RunContext = {}): Promise<BenchTrainReport> {
  return interruptible(() => measure(options, context));
}

async function measure(options: BenchTrainOptions, context: RunContext): Promise<BenchTrainReport> {
  const { inputs, rows = 2000, stored, repeats = 5, limit = 240 } = options;
  checkInteger("rows", rows, 10, 1_000_000);
  if (stored !== undefined) checkInteger("stored", stored, 100, 100_000_000);
  checkInteger("repeats", repeats, 1, 1000);
  checkInteger("limit", limit, 1, 100_000);
  const backbone = await prepare(options);
  const { card } = backbone.resolved;
  const tiles = await openBenchTiles({ inputs, limit }, context);
  try {
    return {
      tiles: tiles.paths.length,
      backbone: card.name,
      size: backbone.size,
      device: backbone.device,
      num_features: card.features.count,
      num_tags: TAGS,
      extraction: await measureExtraction(
        tiles.paths,
        backbone,
        { rounds: repeats, seconds: options.seconds },
        context,
      ),
      batch_size: BATCH_SIZE,
      ...(await measureSteps(card.features.count, repeats, context)),
      lbfgs: await measureLbfgs(card.features.count, rows, repeats, context),
      ...(options.finetune && { finetune: await measureFinetune({ size: options.size, repeats }, context) }),
      ...(stored && { stored: await measureStored({ rows: stored, numFeatures: card.features.count }, context) }),
      machine: machineFacts(),
      versions: versionFacts(),
    };
  } finally {
    await tiles.close();
  }
}

async function measureExtraction(
  paths: readonly string[],
  backbone: PreparedBackbone,
  effort: RateEffort,
  context: RunContext,
): Promise<Rate> {
  const sessions = await openSessions(backbone);
  try {
    return await measureRate(asTiles(paths), sessions, planPipeline(backbone), effort, context);
  } finally {
    await sessions.close();
  }
}

async function measureSteps(
  numFeatures: number,
  repeats: number,
  context: RunContext,
): Promise<{ steps: StepResult[]; absent: AbsentTrial[] }> {
  const built = loadAddon() !== undefined;
  const runners: Runner[] = [];
  try {
    for (const name of built ? ["native", "onnx"] : ["onnx"]) {
      runners.push({ name, threads: 1, process: await openHead(name, { numFeatures }, context) });
    }
    const rounds = { tiles: 1, repeats, sliceSeconds: STEP_SECONDS };
    const samples = await runRounds(runners, rounds, context);
    const steps = runners.map(({ name, process }) => {
      const times = ratesOf(samples, name, 1).map((rate) => roughly(1000 / rate));
      const { median, low, high } = summarize(times);
      const spread: [number, number] = [roughly(low), roughly(high)];
      return { stepper: name, ms_per_step: roughly(median), spread, samples: times, version: process.version };
    });
    return { steps, absent: built ? [] : [{ name: "native", reason: "the addon is not built" }] };
  } finally {
    for (const { process } of runners) process.close();
  }
}

async function measureLbfgs(
  numFeatures: number,
  rows: number,
  repeats: number,
  context: RunContext,
): Promise<BenchTrainReport["lbfgs"]> {
  const process = await openHead("lbfgs", { numFeatures, rows }, context);
  const samples: number[] = [];
  try {
    for (let round = 0; round < repeats; round++) {
      samples.push(roughly((await process.round([0])).seconds["whole"]));
      context.onProgress?.({ stage: "L-BFGS", done: round + 1, total: repeats, rejected: 0, unit: "trainings" });
    }
  } finally {
    process.close();
  }
  const { median, low, high } = summarize(samples);
  return { rows, seconds: roughly(median), spread: [roughly(low), roughly(high)], samples };
}

function openHead(
  name: string,
  { numFeatures, rows }: { numFeatures: number; rows?: number },
  { signal }: RunContext,
): Promise<ContenderProcess> {
  const setup = { contender: `head-${name}`, paths: [], size: numFeatures, threads: 1 };
  return ContenderProcess.open(name, { ...setup, ...(rows === undefined ? {} : { rows }) }, { signal });
}
