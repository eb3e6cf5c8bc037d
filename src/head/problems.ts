/**
 * Problems: many L2-regularised logistic regressions of one tag each over the same features, solved side by side, so that each pass
 * over the features serves them all.
 */
import { loadAddon, type NativeFeatures } from "../addon.js";
import { usableCores } from "../machine.js";
import type { LabelMatrix } from "../tiles/label-matrix.js";
import type { Evaluator } from "./evaluator.js";
import { type Minimizer, type Minimum, minimize } from "./minimize.js";
import { createOnnxEvaluator } from "./onnx-evaluator.js";

export interface Problem {
  tag: number;
  /** Rows of this fold are left out; -1 for none. */
  heldOut: number;
  /** The penalty `l2 / 2 * |w|^2` beside the mean cross-entropy; the bias has none. */
  l2: number;
  /** `[numFeatures + 1]`, bias last. @default zeros */
  start?: Float64Array;
}

interface SolveOptions {
  maxIterations: number;
  tolerance: number;
  /** `[rows]` fold of each row; needed if a problem holds one out. */
  folds?: Uint8Array;
  threads?: number;
  signal?: AbortSignal;
  /** Called after each pass over the features with the objectives reached so far, summed over problems. */
  onPass?: (pass: number, total: number) => void;
  /** Called after each iteration of a problem, by its place, with the point reached. */
  onIteration?: (index: number, iteration: number, point: Float64Array) => void;
}

interface Running {
  problem: Problem;
  index: number;
  minimizer: Minimizer;
  /** The point whose value and gradient the minimiser asks for. */
  point: Float64Array;
  value: number;
}

/** The minimum of each problem, in order. If `signal` stops it: the minima so far, `converged` false. */
export async function solveProblems(
  features: NativeFeatures,
  labels: LabelMatrix,
  problems: readonly Problem[],
  options: SolveOptions,
): Promise<Minimum[]> {
  const evaluator = await createEvaluator(features, labels, options);
  try {
    return await solve(evaluator, features.numFeatures, problems, options);
  } finally {
    await evaluator.close();
  }
}

async function solve(
  evaluator: Evaluator,
  numFeatures: number,
  problems: readonly Problem[],
  options: SolveOptions,
): Promise<Minimum[]> {
  const minima = new Array<Minimum>(problems.length);
  let running = problems.map((problem, index) => start(problem, index, numFeatures, options));
  const finished = new Map<number, number>();
  for (let pass = 1; running.length > 0; pass++) {
    const { losses, gradients } = await evaluateAll(evaluator, running, numFeatures);
    running = running.filter((each, i) => {
      const gradient = gradients.subarray(i * (numFeatures + 1), (i + 1) * (numFeatures + 1));
      const result = advance(each, losses[i], gradient);
      if (result !== undefined) {
        minima[each.index] = result;
        finished.set(each.index, result.value);
      }
      return result === undefined;
    });
    const total = [...finished.values()].reduce((sum, value) => sum + value, 0);
    options.onPass?.(
      pass,
      running.reduce((sum, { value }) => sum + value, total),
    );
    if (options.signal?.aborted) {
      for (const { index, point, value } of running)
        minima[index] = { point, value, iterations: pass, converged: false };
      break;
    }
  }
  return minima;
}

function start(problem: Problem, index: number, numFeatures: number, options: SolveOptions): Running {
  const { maxIterations, tolerance } = options;
  const onIteration = (iteration: number, _value: number, point: Float64Array) =>
    options.onIteration?.(index, iteration, point);
  const origin = problem.start ?? new Float64Array(numFeatures + 1);
  const minimizer = minimize(origin, { maxIterations, tolerance, onIteration });
  return { problem, index, minimizer, point: minimizer.next().value as Float64Array, value: Number.POSITIVE_INFINITY };
}

async function evaluateAll(evaluator: Evaluator, running: readonly Running[], numFeatures: number) {
  const pairs = Int32Array.from(running.flatMap(({ problem }) => [problem.tag, problem.heldOut]));
  const weights = new Float32Array(running.length * (numFeatures + 1));
  running.forEach(({ point }, i) => {
    weights.set(point, i * (numFeatures + 1));
  });
  const losses = new Float64Array(running.length);
  const gradients = new Float32Array(weights.length);
  await evaluator.evaluate(pairs, weights, losses, gradients);
  return { losses, gradients };
}

/** Adds the penalty and lets the minimiser go on; returns its minimum once it has one. */
function advance(running: Running, loss: number, dataGradient: Float32Array): Minimum | undefined {
  const { point, problem, minimizer } = running;
  const gradient = new Float64Array(dataGradient);
  let squares = 0;
  for (let i = 0; i < point.length - 1; i++) {
    squares += point[i] * point[i];
    gradient[i] += problem.l2 * point[i];
  }
  running.value = Math.min(running.value, loss + (problem.l2 / 2) * squares);
  const next = minimizer.next({ value: loss + (problem.l2 / 2) * squares, gradient });
  if (next.done) return next.value;
  running.point = next.value;
  return undefined;
}

async function createEvaluator(
  features: NativeFeatures,
  labels: LabelMatrix,
  { folds, threads = usableCores() }: SolveOptions,
): Promise<Evaluator> {
  const addon = loadAddon();
  if (addon === undefined) return createOnnxEvaluator(features, labels, folds);
  const targets = { labels: labels.data, numTags: labels.tags.length, ...(folds && { folds }) };
  return {
    evaluate: (problems, weights, losses, gradients) =>
      addon.evaluateProblems(features, targets, problems, weights, threads, { losses, gradients }),
    async close() {},
  };
}
