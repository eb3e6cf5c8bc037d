/**
 * Chooses the strength of the L2 penalty: the one with the smallest held-out cross-entropy at its best temperature.
 * Strengths are tried from strong to weak, each starting from the weights of the one before. Without the temperature a
 * strong penalty would win because its probabilities are less extreme, although a weaker one ranks tiles better.
 * Thresholds do not depend on how extreme probabilities are.
 */
import { InputError } from "../errors.js";
import type { LabelMatrix } from "../tiles/label-matrix.js";
import { kFold } from "../tiles/split.js";
import type { LbfgsConfig } from "./config.js";
import type { Head } from "./head.js";
import { computeLogits } from "./logits.js";
import { crossEntropy } from "./loss.js";
import { type Problem, solveProblems } from "./problems.js";
import type { Space } from "./row-space.js";
import { foldStandardization, type Standardization } from "./standardize.js";
import type { TrainHeadOptions } from "./trained-head.js";

interface Rung {
  l2: number;
  /** Mean held-out cross-entropy of a cell at the best temperature. */
  loss: number;
}

const STRONGEST = 3;
const WEAKEST = 1e-6;
const RUNG = Math.sqrt(10);
/** Losses that differ by a smaller share are taken as equal. */
const SLACK = 0.01;
/** Factors on logits (inverse temperatures); a strength is judged by the best of them. */
const SHARPNESS = Array.from({ length: 21 }, (_, i) => 1.5 * 0.9 ** i);
/** Strengths without improvement after which the search ends; one is enough if it is worse by more than `SLACK`. */
const PATIENCE = 2;
export const L2_FOLDS = 5;
/** Tiles that are held out in all: more would not choose better, and each fold costs as much as the ones before. */
const ENOUGH_HELD_OUT = 600;
/** From this many rows (flips and turns are rows, too) a single fold is held out, however few the tiles are. */
const SINGLE_FOLD_ROWS = 8192;
/** Choosing does not need exact weights. */
const TOLERANCE = 3e-4;

/** The chosen strength; the same for every tag, because a choice for a rare tag alone would be noise. */
export async function chooseL2(
  space: Pick<Space, "features" | "standardization">,
  labels: LabelMatrix,
  config: LbfgsConfig,
  options: Pick<TrainHeadOptions, "threads" | "signal" | "folds" | "views" | "tiles">,
): Promise<number> {
  if (labels.rows < L2_FOLDS) {
    throw new InputError(`${labels.rows} tiles are too few to choose the L2 penalty by cross-validation: give \`l2\`.`);
  }
  const folds = options.folds ?? kFold(labels, L2_FOLDS, config.seed);
  const { views = 1, tiles = labels.rows / views } = options;
  const heldOut = [...new Set(folds)].sort().slice(0, countHeldOut(tiles, labels.rows));
  let problems: Problem[] = heldOut.flatMap((fold) => labels.tags.map((_, tag) => ({ tag, heldOut: fold, l2: 0 })));
  const rungs: Rung[] = [];
  for (let l2 = STRONGEST; l2 > WEAKEST && !isPastBest(rungs) && !options.signal?.aborted; l2 /= RUNG) {
    const minima = await solveProblems(
      { ...space.features, ...space.standardization },
      labels,
      problems.map((problem) => ({ ...problem, l2 })),
      { maxIterations: config.maxIterations, tolerance: TOLERANCE, ...options, folds },
    );
    problems = problems.map((problem, i) => ({ ...problem, start: minima[i].point }));
    rungs.push({ l2, loss: await heldOutLoss(space, labels, folds, problems, options) });
  }
  return refine(rungs);
}

/** How many of the folds are held out, each in turn: all of them up to 600 tiles, one from 3,000 on. */
export function countHeldOut(tiles: number, rows: number): number {
  return rows > SINGLE_FOLD_ROWS ? 1 : Math.min(L2_FOLDS, Math.ceil((L2_FOLDS * ENOUGH_HELD_OUT) / tiles));
}

function isPastBest(rungs: readonly Rung[]): boolean {
  const best = bestOf(rungs);
  const steps = rungs.length - 1 - best;
  return steps >= PATIENCE || (steps > 0 && rungs.at(-1)!.loss > (1 + SLACK) * rungs[best].loss);
}

function bestOf(rungs: readonly Rung[]): number {
  return rungs.reduce((best, { loss }, i) => (best === -1 || loss < rungs[best].loss ? i : best), -1);
}

/**
 * The weakest strength whose loss is within `SLACK` of the lowest, on the parabola through the best strength and its
 * neighbours over the logarithm of l2. The curve is flat there, and of nearly equal heads the one with the weaker
 * penalty ranks tiles better.
 */
function refine(rungs: readonly Rung[]): number {
  const best = bestOf(rungs);
  const [before, here, after] = [rungs[best - 1], rungs[best], rungs[best + 1]];
  if (before === undefined || here === undefined || after === undefined) return here?.l2 ?? STRONGEST;
  const bend = before.loss - 2 * here.loss + after.loss;
  if (!(bend > 0)) return here.l2;
  const lowest = (before.loss - after.loss) / (2 * bend);
  const slack = Math.sqrt((2 * SLACK * here.loss) / bend);
  return here.l2 / RUNG ** Math.min(1, lowest + slack);
}

/** Mean cross-entropy of the held-out cells, each under the weights that have not seen it, at the best common temperature. */
async function heldOutLoss(
  { features, standardization }: Pick<Space, "features" | "standardization">,
  labels: LabelMatrix,
  folds: Uint8Array,
  problems: readonly Problem[],
  { threads, views = 1 }: { threads?: number; views?: number },
): Promise<number> {
  const all = await computeLogits(toHead(problems, features.numFeatures, standardization), features, threads);
  const logits: number[] = [];
  const present: number[] = [];
  const tiles = labels.rows / views;
  const meanOver = (row: number, i: number) => {
    let sum = 0;
    for (let view = 0; view < views; view++) sum += all[(view * tiles + row) * problems.length + i];
    return sum / views;
  };
  for (let row = 0; row < tiles; row++) {
    problems.forEach(({ tag, heldOut }, i) => {
      if (folds[row] !== heldOut) return;
      logits.push(meanOver(row, i));
      present.push(labels.data[row * labels.tags.length + tag]);
    });
  }
  const losses = SHARPNESS.map((sharpness) => meanLoss(logits, present, sharpness));
  return Math.min(...losses);
}

function meanLoss(logits: readonly number[], present: readonly number[], sharpness: number): number {
  return logits.reduce((sum, z, i) => sum + crossEntropy(sharpness * z, present[i]), 0) / logits.length;
}

/** The problems' weights side by side, as a head with one column each. */
function toHead(problems: readonly Problem[], numFeatures: number, standardization?: Standardization): Head {
  const numTags = problems.length;
  const head = {
    weight: new Float32Array(numFeatures * numTags),
    bias: new Float32Array(numTags),
    numFeatures,
    numTags,
  };
  problems.forEach(({ start }, column) => {
    for (let f = 0; f < numFeatures; f++) head.weight[f * numTags + column] = start![f];
    head.bias[column] = start![numFeatures];
  });
  return standardization === undefined ? head : foldStandardization(head, standardization);
}
