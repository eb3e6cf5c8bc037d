/** `train`: labelled tiles become a model's folder: features once, a head on top, thresholds, scores and a report. */
import { basename, resolve } from "node:path";
import type { DecodeOptions } from "../decode/decoder.js";
import type { DeviceChoice } from "../features/device.js";
import { type Checkpoint, saveCheckpoint } from "../head/checkpoint.js";
import type { HeadOptions } from "../head/config.js";
import type { Normalisation } from "../models/file-model.js";
import { featureBlocks, withPyramid } from "../models/pyramid.js";
import { defaultBackbone, type ResolvedBackbone, resolveBackbone } from "../models/registry.js";
import type { RunContext } from "../run-context.js";
import type { CalibrationName } from "../tags/calibration.js";
import { canopyVersion } from "../versions.js";
import { type Dataset, loadDataset } from "./dataset.js";
import { rejectsBeside } from "./labelled.js";
import { openModelFolder } from "./model-folder.js";
import { type FittedModel, fitDataset } from "./train-fit.js";
import { reportTraining } from "./train-report.js";
import { resolveTrainSettings, type TrainSettings, withBlocks } from "./train-settings.js";
import { forgetStates } from "./train-states.js";
import { stackingOutcome, summarize, type TrainSummary } from "./train-summary.js";

export interface TrainOptions {
  /** Folders, files, `.tar` archives, `@list.txt`. */
  tiles: readonly string[];
  /** Label CSV: first column the tile's name, second its tags separated by spaces. */
  labels: string;
  /** Model folder to write; it appears whole or not at all. */
  out: string;
  /** Name of a backbone (`canopy models list`) or FILE.onnx. @default the one in the box */
  backbone?: string | undefined;
  /** What an unknown FILE.onnx wants its pixels scaled to. @default "imagenet", with a warning */
  normalisation?: Normalisation | undefined;
  /** Pixels per side the backbone is fed. @default the backbone's */
  size?: number | undefined;
  /** @default "auto" */
  device?: DeviceChoice | undefined;
  /** Decode threads. @default what keeps the sessions fed */
  workers?: number | undefined;
  decode?: Partial<Omit<DecodeOptions, "size">> | undefined;
  /**
   * What of the backbone is used: its last features alone, or also the means of the feature maps before each halving of the resolution.
   * @default "pyramid"; "last" for gradient optimisers, which have no scaling of features unless told
   */
  features?: "pyramid" | "last" | undefined;
  /** Optimiser and its settings. @default L-BFGS with a cross-validated penalty */
  head?: { [K in keyof HeadOptions]: HeadOptions[K] | undefined } | undefined;
  /** Share of tiles held out for the history, stratified; 0 for none. @default 0.2 */
  val?: number | undefined;
  /** Train on all flips and quarter turns of each tile. @default "none" */
  augment?: "none" | "d4" | undefined;
  /** Score (and later predict) the mean over flips and quarter turns. @default "none" */
  tta?: "none" | "d4" | undefined;
  /** The F-beta thresholds are fitted for. @default 2 */
  beta?: number | undefined;
  /**
   * Groups of tags of which a tile has exactly one; kept only where cross-validation says that they help. "auto" finds them in the
   * labels, [] is for none. @default "auto"
   */
  exclusive?: "auto" | readonly (readonly string[])[] | undefined;
  /**
   * "auto" tries a second layer that corrects each tag's logit by all tags' logits, and keeps it only where cross-validation says that it
   * helps. @default "auto"; "none" for the tutorial's recipe
   */
  stacking?: "auto" | "none" | undefined;
  /** How probabilities are made to mean what they say; no decision changes. @default "platt"; "none" for the tutorial's recipe */
  calibrate?: CalibrationName | undefined;
  /**
   * Bytes that features may take in memory; more are streamed from disk, by a gradient optimiser and scored on the held-out tiles
   * alone. @default half of what is free
   */
  memory?: number | undefined;
  /** Replace a model in `out`. @default false */
  overwrite?: boolean | undefined;
  /** Go on with an interrupted training of the same tiles and settings. @default false */
  resume?: boolean | undefined;
}

/**
 * @throws OptionError for options that cannot be used; InputError for tiles and labels that do not fit, and where `out` exists; ModelError
 *   for backbone or device; InterruptedError on abort: features and finished epochs are kept, and `resume` goes on.
 */
export async function train(options: TrainOptions, context: RunContext = {}): Promise<TrainSummary> {
  const startedAt = performance.now();
  const asked = resolveTrainSettings(options);
  const warnings: string[] = [];
  const tell: RunContext = {
    ...context,
    onWarning: (message) => warnings.push(message) && context.onWarning?.(message),
  };
  const folder = await openModelFolder(options.out, { overwrite: options.overwrite ?? false });
  const backbone = await openBackbone(options, asked, tell);
  const settings = withBlocks(asked, featureBlocks(backbone.card));
  const size = options.size ?? backbone.card.input.fixedSize ?? backbone.card.input.defaultSize;
  const dataset = await loadDataset({ ...options, ...settings, backbone, size }, tell);
  const rejects = await rejectsBeside(options.out, dataset.rejected, tell);
  const headStartedAt = performance.now();
  const fitted = await fitDataset(dataset, settings, backbone.card.sha256, options, tell).finally(dataset.close);
  const head_seconds = (performance.now() - headStartedAt) / 1000;
  const checkpoint = toCheckpoint(dataset, fitted, settings, backbone, size);
  await saveCheckpoint(folder.partial, checkpoint);
  const seconds = () => (performance.now() - startedAt) / 1000;
  const findings = await reportTraining(
    folder.partial,
    {
      name: basename(resolve(options.out)),
      options,
      dataset,
      fitted,
      checkpoint,
      head_seconds,
      seconds: seconds(),
      warnings,
    },
    tell,
  );
  await folder.publish();
  await forgetStates(options.out);
  const run = { head_seconds, seconds: seconds(), rejects, findings };
  return summarize(run, folder.path, dataset, fitted, checkpoint, settings);
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
