/** The fit of a dataset's features under the settings of a training. */
import { InputError, OptionError } from "../errors.js";
import type { HeadConfig } from "../head/config.js";
import { toVariants } from "../head/variants.js";
import type { ModelCard } from "../models/card.js";
import { featureBlocks } from "../models/pyramid.js";
import type { RunContext } from "../run-context.js";
import { toExclusiveColumns } from "../tags/exclusive.js";
import type { Dataset } from "./dataset.js";
import { type FittedHead, fitHead } from "./fit.js";
import { describeHeadCost } from "./head-cost.js";
import type { FitSettings, TrainSettings } from "./settings.js";
import { fingerprintOf, keepStates, type StatesOptions } from "./states.js";

export interface FittedDataset extends FittedHead {
  /** The configuration that was used. */
  config: HeadConfig;
}

/** On abort, the states of the optimisers are saved beside the model's folder before InterruptedError is thrown. */
export async function fitDataset(
  dataset: Dataset,
  settings: TrainSettings,
  card: ModelCard,
  place: Omit<StatesOptions, "fingerprint">,
  context: RunContext,
): Promise<FittedDataset> {
  const { stored, features, labels, validation } = dataset;
  const { fit, readout } = settings;
  // Fails now rather than after the cross-validation.
  if (readout.exclusive !== "auto") toExclusiveColumns(readout.exclusive, labels.tags);
  checkTargets(readout, labels.tags);
  const config = chooseConfig(fit, stored !== undefined, featureBlocks(card));
  if (stored !== undefined) {
    context.onWarning?.(
      `The features are read from disk as they do not fit in memory: trained by ${config.optimizer}, scored on the held-out tiles alone.`,
    );
  }
  tellCost(dataset, settings, config, context);
  const fingerprint = fingerprintOf(dataset, fit, config);
  const { holdOut, augment, tta } = fit;
  const running = { seed: config.seed, validation, ...reporting(config, stored !== undefined, context) };
  const options = { ...readout, holdOut, augment, tta, ...running };
  const fitted = await keepStates({ ...place, fingerprint }, context, (states) =>
    fitHead(stored ?? features, labels, config, { ...options, states }),
  );
  return { ...fitted, config };
}

/** Five folds and the final head; beside a share that is held out, one more for the history. */
function tellCost(
  { stored, features, labels, validation }: Dataset,
  { fit }: TrainSettings,
  config: HeadConfig,
  { onNotice }: RunContext,
): void {
  if (config.optimizer !== "lbfgs" || stored !== undefined) return;
  const { numFeatures } = toVariants(features, labels.rows)[0];
  const trainings = validation === undefined && fit.holdOut > 0 ? 7 : 6;
  const variants = fit.augment === "d4" ? 8 : 1;
  const cost = describeHeadCost({ labels, numFeatures, variants, trainings, l2: config.l2 });
  if (cost !== undefined) onNotice?.(cost);
}

/** `blocks` are the widths of features that come from different levels of the backbone. */
function chooseConfig({ head, headOnDisk }: FitSettings, onDisk: boolean, blocks: readonly number[]): HeadConfig {
  const config = onDisk ? headOnDisk : head;
  return blocks.length < 2 ? config : { ...config, blocks };
}

/** Progress by trainings, or by epochs if there is only one training. */
function reporting(config: HeadConfig, onDisk: boolean, { signal, onProgress }: RunContext) {
  const tell = (done: number, total: number, unit: string) =>
    onProgress?.({ stage: "head", done, total, rejected: 0, unit });
  const stopping = signal && { signal };
  if (!onDisk || config.optimizer === "lbfgs") {
    return { ...stopping, onTraining: (done: number, total: number) => tell(done, total, "trainings") };
  }
  return { ...stopping, onEpoch: ({ epoch }: { epoch: number }) => tell(epoch, config.epochs, "epochs") };
}

/** @throws InputError for a target of no tag, OptionError for one in an exclusive group or a second one of a tag */
function checkTargets({ targets, exclusive }: TrainSettings["readout"], tags: readonly string[]): void {
  const seen = new Set(exclusive === "auto" ? [] : exclusive.flat());
  for (const { tag } of targets) {
    if (!tags.includes(tag))
      throw new InputError(`There is no tag ${tag} for \`targets\`; known are: ${tags.join(", ")}.`);
    if (seen.has(tag)) {
      throw new OptionError(
        `The tag ${tag} has two targets, or one beside an exclusive group, which needs no threshold.`,
      );
    }
    seen.add(tag);
  }
}
