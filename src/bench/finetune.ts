/** `bench train --finetune`: steps of fine-tuning by each engine, with PyTorch beside them where a python3 has it. */
import { loadAddon } from "../addon.js";
import { usableCores } from "../machine.js";
import type { RunContext } from "../run-context.js";
import { TUNING_BATCH } from "./contender-finetune.js";
import { ContenderProcess } from "./contender-process.js";
import { TAGS } from "./made-up.js";
import { findPython } from "./python.js";
import { TORCH_ENVIRONMENT, TORCH_PROGRAM } from "./python-torch.js";
import { type Runner, runRounds, type Sample } from "./rounds.js";
import { roughly, summarize } from "./statistics.js";
import type { AbsentTrial } from "./trials.js";

export interface TuningRate {
  /** "native", "onnx" or "PyTorch". */
  engine: string;
  threads: number;
  /** Processor time of all threads for a tile's part of a step: forward, back and update. Median, and quartiles over the rounds. */
  cpu_ms_per_tile: number;
  spread: [number, number];
  /** By the clock. */
  ms_per_tile: number;
  version: string;
}

export interface FinetuneResult {
  /** MobileNetV2 with random weights. */
  size: number;
  batch_size: number;
  engines: TuningRate[];
  absent: AbsentTrial[];
}

interface TuningEffort {
  /** Pixels per side. @default 128 */
  size?: number | undefined;
  repeats: number;
  /** Seconds of each engine's part of a round. @default 2 */
  sliceSeconds?: number;
}

/** The size that fine-tuning is mostly done at. */
const DEFAULT_SIZE = 128;
const PYTORCH = "PyTorch";
/** Of a round: several steps also of the slowest. */
const STEPS_SECONDS = 2;

export async function measureFinetune(
  { size = DEFAULT_SIZE, repeats, sliceSeconds = STEPS_SECONDS }: TuningEffort,
  context: RunContext,
): Promise<FinetuneResult> {
  const runners: Runner[] = [];
  const absent: AbsentTrial[] = [];
  try {
    for (const threads of usableCores() > 1 ? [1, 2] : [1]) {
      for (const name of loadAddon() === undefined ? ["onnx"] : ["native", "onnx"]) {
        runners.push({ name, threads, process: await openEngine(name, size, threads, context) });
      }
      const torch = await openTorch(size, threads, context);
      if (torch !== undefined) runners.push({ name: PYTORCH, threads, process: torch });
    }
    if (loadAddon() === undefined) absent.push({ name: "native", reason: "the addon is not built" });
    if (!runners.some(({ name }) => name === PYTORCH)) absent.push({ name: PYTORCH, reason: "no python3 has torch" });
    const samples = await runRounds(runners, { tiles: 1, repeats, sliceSeconds }, context);
    return { size, batch_size: TUNING_BATCH, engines: runners.map((runner) => rateOf(runner, samples)), absent };
  } finally {
    for (const { process } of runners) process.close();
  }
}

function openEngine(name: string, size: number, threads: number, { signal }: RunContext): Promise<ContenderProcess> {
  return ContenderProcess.open(name, { contender: `finetune-${name}`, paths: [], size, threads }, { signal });
}

async function openTorch(size: number, threads: number, { signal }: RunContext): Promise<ContenderProcess | undefined> {
  const python = await findPython("torch");
  if (python === undefined) return undefined;
  const program = { source: TORCH_PROGRAM, args: [String(TUNING_BATCH), String(TAGS)], env: TORCH_ENVIRONMENT };
  return ContenderProcess.open(PYTORCH, { contender: "torch", paths: [], size, threads }, { python, program, signal });
}

function rateOf({ name, threads, process }: Runner, samples: readonly Sample[]): TuningRate {
  const own = samples.filter((sample) => sample.name === name && sample.threads === threads);
  const perTile = (seconds: (sample: Sample) => number) =>
    summarize(own.map((sample) => (1000 * seconds(sample)) / sample.tiles / TUNING_BATCH));
  const { median, low, high } = perTile(({ cpu_seconds }) => cpu_seconds);
  return {
    engine: name,
    threads,
    cpu_ms_per_tile: roughly(median),
    spread: [roughly(low), roughly(high)],
    ms_per_tile: roughly(perTile(({ seconds }) => seconds["whole"]).median),
    version: process.version,
  };
}
