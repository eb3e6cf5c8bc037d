/** `train`: labelled tiles become a model's folder: features once, a head on top, thresholds, scores and a report. */
import { basename, resolve } from "node:path";
import { createFolderDraft } from "../files/folder-draft.js";
import { pointToResume } from "../files/write-error.js";
import { type Checkpoint, saveCheckpoint } from "../head/checkpoint.js";
import { featureBlocks, withPyramid } from "../models/pyramid.js";
import { defaultBackbone, type ResolvedBackbone, resolveBackbone } from "../models/registry.js";
import type { RunContext } from "../run-context.js";
import { type Dataset, loadDataset } from "../training/dataset.js";
import { type FittedModel, fitDataset } from "../training/fit-dataset.js";
import { type FinishedTraining, reportTraining, type TrainingFindings } from "../training/report.js";
import { resolveTrainSettings, type TrainOptions, type TrainSettings, withBlocks } from "../training/settings.js";
import { forgetStates } from "../training/states.js";
import { stackingOutcome, summarize, type TrainSummary } from "../training/summary.js";
import { canopyVersion } from "../versions.js";
import { checkModelFolder } from "./model-folder.js";
import { rejectsBeside } from "./rejects.js";

/**
 * @throws OptionError for options that cannot be used; InputError for tiles and labels that do not fit, and where `out` exists; ModelError
 *   for backbone or device; InterruptedError on abort: features and finished epochs are kept, and `resume` goes on.
 */
export function train(options: TrainOptions, context: RunContext = {}): Promise<TrainSummary> {
  return trainModel(options, context).catch(pointToResume);
}

async function trainModel(options: TrainOptions, context: RunContext): Promise<TrainSummary> {
  const startedAt = performance.now();
  const asked = resolveTrainSettings(options);
  const warnings: string[] = [];
  const tell: RunContext = {
    ...context,
    onWarning: (message) => warnings.push(message) && context.onWarning?.(message),
  };
  await checkModelFolder(options.out, { overwrite: options.overwrite ?? false });
  const backbone = await openBackbone(options, asked, tell);
  const settings = withBlocks(asked, featureBlocks(backbone.card));
  const size = options.size ?? backbone.card.input.fixedSize ?? backbone.card.input.defaultSize;
  const dataset = await loadDataset({ ...options, ...settings, backbone, size }, tell);
  const rejects = await rejectsBeside(options.out, dataset.rejected, tell);
  const headStartedAt = performance.now();
  const fitted = await fitDataset(dataset, settings, backbone.card.sha256, options, tell).finally(dataset.close);
  const head_seconds = (performance.now() - headStartedAt) / 1000;
  const checkpoint = toCheckpoint(dataset, fitted, settings, backbone, size);
  const seconds = () => (performance.now() - startedAt) / 1000;
  const name = basename(resolve(options.out));
  const training = { name, options, dataset, fitted, checkpoint, head_seconds, seconds: seconds(), warnings };
  const findings = await writeModel(options.out, training, tell);
  await forgetStates(options.out);
  const run = { head_seconds, seconds: seconds(), rejects, findings };
  return summarize(run, options.out, dataset, fitted, checkpoint, settings);
}

async function writeModel(out: string, training: FinishedTraining, context: RunContext): Promise<TrainingFindings> {
  const folder = await createFolderDraft(out);
  try {
    await saveCheckpoint(folder.path, training.checkpoint);
    const findings = await reportTraining(folder.path, training, context);
    await folder.publish();
    return findings;
  } finally {
    await folder.abandon();
  }
}

async function openBackbone(
  options: TrainOptions,
  { features }: TrainSettings,
  { onWarning }: RunContext,
): Promise<ResolvedBackbone> {
  const name = options.backbone ?? defaultBackbone();
  const resolved = await resolveBackbone(name, {
    ...(options.size === undefined ? {} : { size: options.size }),
    ...(options.normalisation === undefined ? {} : { normalisation: options.normalisation }),
    ...(onWarning === undefined ? {} : { onWarning }),
  });
  if (resolved.card.name === "untrained") {
    onWarning?.(
      "This backbone is untrained: its features are random, and a trained one scores far better (canopy models list).",
    );
  }
  return features === "pyramid" ? withPyramid(resolved) : resolved;
}

function toCheckpoint(
  dataset: Dataset,
  fitted: FittedModel,
  settings: TrainSettings,
  { card }: ResolvedBackbone,
  size: number,
): Checkpoint {
  const { holdOut, crossValidated, split, config } = fitted;
  const tags = [...dataset.labels.tags];
  return {
    createdBy: `canopy ${canopyVersion()}`,
    tags,
    thresholds: fitted.thresholds,
    head: fitted.head,
    ...(fitted.exclusive.length > 0 && { exclusive: fitted.exclusive.map((group) => group.map((tag) => tags[tag])) }),
    card,
    backboneSha256: card.sha256,
    preprocessing: {
      size,
      colorspace: dataset.decode.colorspace,
      antialias: dataset.decode.antialias,
      tta: settings.tta,
    },
    training: {
      head: config,
      tiles: dataset.tiles.length,
      heldOut: split.heldOut.length,
      settings: {
        val: settings.val,
        augment: settings.augment,
        beta: settings.beta,
        stacking: stackingOutcome(settings, fitted),
        calibrate: settings.calibrate,
        ...(fitted.l2 === undefined ? {} : { l2: fitted.l2 }),
        device: dataset.device,
      },
    },
    metrics: { ...(crossValidated && { crossValidated }), ...(holdOut === undefined ? {} : { holdOut }) },
    history: fitted.history,
  };
}
