/** L2-regularised logistic regression to convergence: each tag its own problem, all solved side by side by L-BFGS. */
import { InputError } from "../errors.js";
import type { LabelMatrix } from "../tiles/label-matrix.js";
import type { LbfgsConfig } from "./config.js";
import { measureHead, toHistoryRow } from "./epoch.js";
import { type FeatureMatrix, type FeatureSource, toFeatureSource } from "./feature-matrix.js";
import type { Head } from "./head.js";
import type { HistoryRow } from "./history.js";
import { solveProblems } from "./problems.js";
import { chooseL2 } from "./regularization.js";
import { chooseSpace } from "./row-space.js";
import { foldStandardization, measureStandardization } from "./standardize.js";
import type { TrainedHead, TrainHeadOptions } from "./trained-head.js";

/**
 * Features must fit in memory: each pass goes over all of them. The history ends with the head at its optimum. If there
 * are held-out tiles to score, rows of the heads after 1, 2, 4, ... iterations come before.
 */
export async function trainByLbfgs(
  features: FeatureMatrix | FeatureSource,
  labels: LabelMatrix,
  config: LbfgsConfig,
  options: TrainHeadOptions,
): Promise<TrainedHead> {
  if ("read" in features) {
    throw new InputError(
      "L-BFGS needs all features in memory: for more than that take another `optimizer`, such as adam.",
    );
  }
  if (options.leaveOut !== undefined) {
    throw new TypeError("`leaveOut` is for gradient optimisers: give L-BFGS the rows it is to train on.");
  }
  const standardization = await measureStandardization(toFeatureSource(features), config.scaling, config.blocks);
  const space = await chooseSpace(features, standardization, options.threads);
  const l2 = config.l2 === "auto" ? await chooseL2(space, labels, config, options) : config.l2;
  const problems = labels.tags.map((_, tag) => ({ tag, heldOut: -1, l2 }));
  const { folds: _folds, views: _views, tiles: _tiles, ...running } = options;
  // By the power of two, then by tag.
  const reached: Float64Array[][] = [];
  const onIteration = (tag: number, iteration: number, point: Float64Array) => {
    const power = Math.log2(iteration);
    if (!options.validation || !Number.isInteger(power)) return;
    reached[power] ??= [];
    reached[power][tag] = point;
  };
  const rows = { ...space.features, ...space.standardization };
  const minima = await solveProblems(rows, labels, problems, { ...config, ...running, onIteration });
  const finish = (points: readonly Float64Array[]) => {
    const solved = toHead(space.toWeights(points), features.numFeatures);
    return standardization === undefined ? solved : foldStandardization(solved, standardization);
  };
  const optimum = minima.map(({ point }) => point);
  const last = Math.max(...minima.map(({ iterations }) => iterations));
  const history: HistoryRow[] = [];
  for (const [power, points] of reached.entries()) {
    if (2 ** power >= last) break;
    // A tag that needed fewer iterations keeps its last weights.
    const head = finish(optimum.map((point, tag) => points[tag] ?? point));
    history.push(await historyRow(head, 2 ** power, features, labels, options));
  }
  const head = finish(optimum);
  history.push(await historyRow(head, last, features, labels, options));
  for (const row of history) options.onEpoch?.(row);
  return { head, history, completed: minima.every(({ converged }) => converged), l2 };
}

/** The penalty that fits these rows best, by cross-validation. */
export async function choosePenalty(
  features: FeatureMatrix,
  labels: LabelMatrix,
  config: LbfgsConfig,
  options: TrainHeadOptions,
): Promise<number> {
  const standardization = await measureStandardization(toFeatureSource(features), config.scaling, config.blocks);
  const space = await chooseSpace(features, standardization, options.threads);
  return chooseL2(space, labels, config, options);
}

function toHead(points: readonly Float64Array[], numFeatures: number): Head {
  const numTags = points.length;
  const weight = new Float32Array(numFeatures * numTags);
  points.forEach((point, tag) => {
    for (let feature = 0; feature < numFeatures; feature++) weight[feature * numTags + tag] = point[feature];
  });
  return { weight, bias: Float32Array.from(points, (point) => point[numFeatures]), numFeatures, numTags };
}

async function historyRow(
  head: Head,
  iteration: number,
  features: FeatureMatrix,
  labels: LabelMatrix,
  { validation, threads }: TrainHeadOptions,
): Promise<HistoryRow> {
  const held = validation && (await measureHead(head, validation.features, validation.labels, threads));
  return toHistoryRow(iteration, await measureHead(head, features, labels, threads), held);
}
