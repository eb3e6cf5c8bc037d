/** The head of a training: fitted on the features of a dataset, and taken up again where an interrupted run left it. */
import { InterruptedError } from "../errors.js";
import type { HeadConfig } from "../head/config.js";
import type { FeatureSource } from "../head/feature-matrix.js";
import type { Metrics } from "../head/metrics.js";
import type { RunContext } from "../run-context.js";
import { toExclusiveColumns } from "../tags/exclusive.js";
import type { Dataset } from "./dataset.js";
import { type FitOptions, type FittedHead, fitHead } from "./fit.js";
import { fitStreamedHead } from "./fit-streamed.js";
import type { TrainOptions, TrainSettings } from "./settings.js";
import { fingerprint, loadStates, saveStates } from "./states.js";

/** A head, however it was fitted, and the tiles that say what it is worth. */
export interface FittedModel extends Omit<FittedHead, "crossValidated" | "outOfFold"> {
  /** Absent where features were streamed from disk. */
  crossValidated?: Metrics;
  /** The configuration that was used. */
  config: HeadConfig;
  scored: ScoredRows;
}

/** Tiles under a head and thresholds that have not seen them. */
export interface ScoredRows {
  metrics: Metrics;
  /** The dataset's tiles; all of them out of fold, or the held-out ones. */
  rows: Uint32Array;
  /** `[rows, tags]` */
  probabilities: Float32Array;
  /** `[rows, tags]`, 0 or 1 */
  decisions: Uint8Array;
  /** Number of folds; absent for held-out tiles. */
  folds?: number;
}

/** Fits the head; on abort, what the optimisers did so far is saved beside `out` before InterruptedError goes on its way. */
export async function fitDataset(
  dataset: Dataset,
  settings: TrainSettings,
  backboneSha256: string,
  { out, resume = false }: Pick<TrainOptions, "out" | "resume">,
  context: RunContext,
): Promise<FittedModel> {
  // Said now rather than after the cross-validation.
  if (settings.exclusive !== "auto") toExclusiveColumns(settings.exclusive, dataset.labels.tags);
  const mark = fingerprint(dataset, settings, backboneSha256);
  const states = resume ? await loadStates(out, mark, context) : [];
  try {
    const { stored } = dataset;
    return await (stored === undefined
      ? fitInMemory(dataset, settings, states, context)
      : fitFromDisk(stored, dataset, settings, states, context));
  } catch (error) {
    if (error instanceof InterruptedError) {
      await saveStates(out, mark, states);
    }
    throw error;
  }
}

type States = NonNullable<FitOptions["states"]>;

async function fitInMemory(
  { features, labels }: Dataset,
  settings: TrainSettings,
  states: States,
  context: RunContext,
): Promise<FittedModel> {
  const { config, augment, tta } = settings;
  const fitted = await fitHead(features, labels, config, {
    ...commonOptions(settings, states, context),
    augment,
    tta,
    onTraining: (done, total) => context.onProgress?.({ stage: "head", done, total, rejected: 0, unit: "trainings" }),
  });
  const { outOfFold, ...rest } = fitted;
  const { probabilities, decisions, folds } = outOfFold;
  const rows = Uint32Array.from({ length: labels.rows }, (_, row) => row);
  const scored = { metrics: fitted.crossValidated, rows, probabilities, decisions, folds: new Set(folds).size };
  return { ...rest, config, scored };
}

async function fitFromDisk(
  stored: FeatureSource,
  { labels }: Dataset,
  settings: TrainSettings,
  states: States,
  context: RunContext,
): Promise<FittedModel> {
  const config = settings.streamedConfig();
  context.onWarning?.(
    `The features are read from disk as they do not fit in memory: trained by ${config.optimizer}, scored on the held-out tiles alone.`,
  );
  const { heldOut, ...rest } = await fitStreamedHead(stored, labels, config, {
    ...commonOptions(settings, states, context),
    onEpoch: ({ epoch }) =>
      context.onProgress?.({ stage: "head", done: epoch, total: config.epochs, rejected: 0, unit: "epochs" }),
  });
  return { ...rest, config, scored: { metrics: rest.holdOut, rows: rest.split.heldOut, ...heldOut } };
}

function commonOptions(settings: TrainSettings, states: States, { signal }: RunContext) {
  const { config, val, beta, exclusive, stacking, calibrate } = settings;
  const options = { holdOut: val, seed: config.seed, beta, exclusive, stacking, calibrate, states };
  return { ...options, ...(signal && { signal }) };
}
