/** The head of a training: fitted on the features of a dataset, and taken up again where an interrupted run left it. */
import { InterruptedError } from "../errors.js";
import type { RunContext } from "../run-context.js";
import { toExclusiveColumns } from "../tags/exclusive.js";
import { type FitOptions, type FittedHead, fitHead } from "../tags/fit.js";
import type { Dataset } from "./dataset.js";
import type { TrainOptions } from "./train.js";
import type { TrainSettings } from "./train-settings.js";
import { fingerprint, loadStates, saveStates } from "./train-states.js";

/** Fits the head; on abort, what the optimisers did so far is saved beside `out` before InterruptedError goes on its way. */
export async function fitDataset(
  dataset: Dataset,
  settings: TrainSettings,
  backboneSha256: string,
  { out, resume = false }: Pick<TrainOptions, "out" | "resume">,
  context: RunContext,
): Promise<FittedHead> {
  const { config, val, augment, tta, beta, exclusive, stacking, calibrate } = settings;
  // Said now rather than after the cross-validation.
  toExclusiveColumns(exclusive, dataset.labels.tags);
  const mark = fingerprint(dataset, settings, backboneSha256);
  const states = resume ? await loadStates(out, mark, context) : [];
  const fitOptions: FitOptions = {
    holdOut: val,
    seed: config.seed,
    augment,
    tta,
    beta,
    exclusive,
    stacking,
    calibrate,
    states,
    onTraining: (done, total) => context.onProgress?.({ stage: "head", done, total, rejected: 0, unit: "trainings" }),
    ...(context.signal ? { signal: context.signal } : {}),
  };
  try {
    return await fitHead(dataset.features, dataset.labels, config, fitOptions);
  } catch (error) {
    if (error instanceof InterruptedError) {
      await saveStates(out, mark, states);
    }
    throw error;
  }
}
