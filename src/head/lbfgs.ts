/** L2-regularised logistic regression to convergence: each tag its own problem, all solved side by side by L-BFGS. */
import { InputError } from "../errors.js";
import type { LabelMatrix } from "../tiles/label-matrix.js";
import type { LbfgsConfig } from "./config.js";
import { type FeatureMatrix, type FeatureSource, toFeatureSource } from "./feature-matrix.js";
import type { Head } from "./head.js";
import type { HistoryRow } from "./history.js";
import { computeLogits } from "./logits.js";
import { sumLogits } from "./loss.js";
import type { Minimum } from "./minimize.js";
import { solveProblems } from "./problems.js";
import { chooseL2 } from "./regularization.js";
import { foldStandardization, measureStandardization } from "./standardize.js";
import type { TrainedHead, TrainOptions } from "./train.js";

/** Features must fit in memory: each pass goes over all of them. The history has one row: the head at its optimum. */
export async function trainByLbfgs(
  features: FeatureMatrix | FeatureSource,
  labels: LabelMatrix,
  config: LbfgsConfig,
  options: TrainOptions,
): Promise<TrainedHead> {
  if ("read" in features) {
    throw new InputError("L-BFGS needs all features in memory; for sets larger than that use --optimizer adam.");
  }
  if (options.leaveOut !== undefined) {
    throw new TypeError("`leaveOut` is for gradient optimisers: give L-BFGS the rows it is to train on.");
  }
  const standardization = await measureStandardization(toFeatureSource(features), config.scaling);
  const rows = { ...features, ...standardization };
  const l2 = config.l2 === "auto" ? await chooseL2(features, standardization, labels, config, options) : config.l2;
  const problems = labels.tags.map((_, tag) => ({ tag, heldOut: -1, l2 }));
  const { folds: _folds, views: _views, ...running } = options;
  const minima = await solveProblems(rows, labels, problems, { ...config, ...running });
  const solved = toHead(minima, features.numFeatures);
  const head = standardization === undefined ? solved : foldStandardization(solved, standardization);
  const row = await historyRow(head, minima, features, labels, options);
  options.onEpoch?.(row);
  return { head, history: [row], completed: minima.every(({ converged }) => converged), l2 };
}

function toHead(minima: readonly Minimum[], numFeatures: number): Head {
  const numTags = minima.length;
  const weight = new Float32Array(numFeatures * numTags);
  minima.forEach(({ point }, tag) => {
    for (let feature = 0; feature < numFeatures; feature++) weight[feature * numTags + tag] = point[feature]!;
  });
  return { weight, bias: Float32Array.from(minima, ({ point }) => point[numFeatures]!), numFeatures, numTags };
}

async function historyRow(
  head: Head,
  minima: readonly Minimum[],
  features: FeatureMatrix,
  labels: LabelMatrix,
  { validation, threads }: TrainOptions,
): Promise<HistoryRow> {
  const training = await score(head, features, labels, threads);
  const validated = validation && (await score(head, validation.features, validation.labels, threads));
  return {
    epoch: Math.max(...minima.map(({ iterations }) => iterations)),
    ...training,
    valLoss: validated?.loss ?? null,
    valBinaryAccuracy: validated?.binaryAccuracy ?? null,
    valF2: validated?.f2 ?? null,
  };
}

async function score(head: Head, features: FeatureMatrix, labels: LabelMatrix, threads: number | undefined) {
  const { loss, correct, f2 } = sumLogits(await computeLogits(head, features, threads), labels);
  const cells = labels.rows * labels.tags.length;
  return { loss: loss / labels.rows, binaryAccuracy: correct / cells, f2: f2 / labels.rows };
}
