/** `train`: labelled tiles become a model's folder: features once, a head on top, thresholds, scores and a report. */
import { basename, join, resolve } from "node:path";
import { checkKinds, type OptionKinds } from "../check.js";
import { whileLocked } from "../files/lock.js";
import { ensureFolder } from "../files/output.js";
import { writeWhole } from "../files/write.js";
import { pointToResume } from "../files/write-error.js";
import { BACKBONE_FILE } from "../finetune/tunable.js";
import { saveCheckpoint } from "../head/checkpoint.js";
import { defaultBackbone, type ResolvedBackbone, resolveBackbone } from "../models/registry.js";
import type { Precision } from "../quantise/precision.js";
import { type RunContext, tellOnce } from "../run-context.js";
import { CONFIG_FILE, configToYaml } from "../training/config.js";
import { loadDataset } from "../training/dataset.js";
import { tellEqualTiles } from "../training/equal-tiles.js";
import { FinetuneStates, forgetFinetune, tuningFingerprint } from "../training/finetune-states.js";
import { type FinishedTraining, toCheckpoint, trainedTiles } from "../training/finished-training.js";
import { fitDataset } from "../training/fit-dataset.js";
import { candidates, type PrecisionChoice, timeBackbone, withPrecision } from "../training/precision.js";
import { reportTraining } from "../training/report.js";
import { addSeenTiles, countSeenTiles, encodeSeenTiles, SEEN_TILES_FILE } from "../training/seen-tiles.js";
import {
  type BackboneSettings,
  resolveTrainSettings,
  type TrainOptions,
  type TrainSettings,
} from "../training/settings.js";
import { fingerprintOf, forgetStates } from "../training/states.js";
import { summarize, type TrainSummary } from "../training/summary.js";
import { encodeEvents, listScalars } from "../training/tensorboard.js";
import { readFinished, writeSummary } from "./finished-model.js";
import { checkModelFolder, refuseInterrupted, writeModelFolder } from "./model-folder.js";
import { rejectsBeside } from "./rejects.js";

/**
 * Trains a model on labelled tiles and writes it as a folder.
 * @throws OptionError for options that cannot be used; InputError for tiles and labels that do not fit, and if `out` or
 * an interrupted training of it exists; ModelError for backbone or device; InterruptedError on abort: features and
 * finished epochs are kept, and `resume` goes on. With `resume`, a model that is finished is left as it is.
 */
export function train(options: TrainOptions, context: RunContext = {}): Promise<TrainSummary> {
  return trainModel(options, context).catch(pointToResume);
}

const DECODE_OPTIONS: OptionKinds<NonNullable<TrainOptions["decode"]>> = {
  colorspace: true,
  antialias: "boolean?",
  maxPixels: true,
  maxBytes: true,
  onTruncated: true,
};
const OPTIONS: OptionKinds<TrainOptions> = {
  tiles: "strings",
  labels: "string",
  out: "string",
  backbone: "string?",
  storeBackbone: "boolean?",
  normalisation: true,
  size: true,
  precision: true,
  device: true,
  workers: true,
  decode: true,
  bands: true,
  stretch: true,
  features: true,
  head: true,
  val: true,
  augment: true,
  tta: true,
  beta: true,
  exclusive: true,
  targets: true,
  calibrate: true,
  memory: true,
  tensorboard: "string?",
  overwrite: "boolean?",
  escapeFormulas: "boolean?",
  resume: "boolean?",
  finetune: true,
  labelFormat: true,
  labelColumns: true,
  tagSeparator: "string?",
  split: "string?",
  tokens: true,
};

async function trainModel(options: TrainOptions, context: RunContext): Promise<TrainSummary> {
  checkKinds(options, OPTIONS);
  checkKinds(options.decode ?? {}, DECODE_OPTIONS, "decode.");
  const settings = resolveTrainSettings(options);
  return whileLocked(options.out, context, () => trainInto(options, settings, context));
}

async function trainInto(options: TrainOptions, checked: TrainSettings, context: RunContext): Promise<TrainSummary> {
  const clock = startClock();
  const { out, overwrite = false, resume = false } = options;
  const { warnings, ...telling } = keepWarnings(context);
  const finished = resume && !overwrite ? await readFinished(out, options, checked.data) : undefined;
  if (finished !== undefined) {
    context.onNotice?.(`${out} is finished: nothing was trained. \`overwrite\` trains it again.`);
    return finished;
  }
  await checkModelFolder(out, { overwrite });
  if (!resume && !overwrite) refuseInterrupted(out);
  // Now rather than after the training.
  if (options.tensorboard !== undefined) await ensureFolder(options.tensorboard);
  const backbone = await openBackbone(checked.backbone, telling);
  const settings = resolveTrainSettings(options, backbone.card);
  // An untrained backbone has no file: canopy builds it.
  const stored = settings.backbone.store && backbone.card.untrained === undefined;
  const files = {
    file: stored ? BACKBONE_FILE : basename(backbone.card.file),
    ...(backbone.seenTiles !== undefined && { seenTiles: SEEN_TILES_FILE }),
  };
  const card = { ...backbone.card, ...files };
  const size = settings.backbone.size ?? card.input.fixedSize ?? card.input.defaultSize;
  if (settings.finetune !== undefined) {
    (await import("../finetune/check-tunable.js")).checkTunable(backbone, size, settings.finetune.blocks);
  }

  let rejects: string | null = null;
  const attempt = async (precision: Precision): Promise<FinishedTraining> => {
    const dataset = await loadDataset({ ...settings.data, backbone, size, precision }, telling);
    const used = { ...dataset.card, ...files };
    const fit = async () => {
      rejects = await rejectsBeside(out, dataset.rejected, telling);
      const headClock = startClock();
      const fitted = await fitDataset(dataset, settings, used, { out, resume }, telling);
      return { fitted, headSeconds: headClock() };
    };
    return { settings, precision, card: used, size, dataset, ...(await fit().finally(dataset.close)) };
  };
  const frozen = await trainPrecisely(attempt, backbone, settings, telling);
  await warnOfSeenTiles(backbone, frozen.training, telling);
  tellEqualTiles(frozen.training.dataset, telling);
  const { training, choice, bytes } = await fineTuneIf(options, frozen, telling);

  const checkpoint = toCheckpoint(training);
  const summary = await writeModelFolder(out, async (folder) => {
    if (stored || training.finetune?.kept) await writeWhole(join(folder, BACKBONE_FILE), bytes);
    await writeWhole(join(folder, SEEN_TILES_FILE), await encodeSeen(backbone, training));
    await writeWhole(join(folder, CONFIG_FILE), configToYaml(options));
    await saveCheckpoint(folder, checkpoint);
    const { escapeFormulas } = options;
    const run = { name: basename(resolve(out)), seconds: clock(), warnings, escapeFormulas };
    const findings = await reportTraining(folder, training, checkpoint, run, telling);
    const summary = summarize(training, checkpoint, { model: out, choice, rejects, findings, seconds: clock() });
    await writeSummary(folder, summary, training.dataset.labelsSha256);
    return summary;
  });
  await Promise.all([forgetStates(out), forgetFinetune(out)]);
  if (options.tensorboard !== undefined) await writeEvents(options.tensorboard, training);
  return summary;
}

/** With the precision that the settings name, or with the one that is better here. */
async function trainPrecisely(
  attempt: (precision: Precision) => Promise<FinishedTraining>,
  { bytes }: ResolvedBackbone,
  { precision }: TrainSettings,
  context: RunContext,
): Promise<Finished> {
  const device = ({ dataset }: FinishedTraining) => dataset.device;
  const f2 = ({ fitted }: FinishedTraining) => fitted.scored.metrics.f2;
  const time = ({ precision: other, card, size, dataset }: FinishedTraining) =>
    timeBackbone(other, { card, bytes }, size, dataset.device);
  const { kept, choice } = await withPrecision(precision, { attempt, device, f2, time }, context);
  return { training: kept, choice, bytes };
}

interface Finished {
  training: FinishedTraining;
  /** How "auto" chose the precision; null if it was named. */
  choice: PrecisionChoice | null;
  /** The backbone's. */
  bytes: Uint8Array;
}

/** The tuned training if the options ask for it and it is better. */
async function fineTuneIf(
  { out, resume = false }: TrainOptions,
  frozen: Finished,
  context: RunContext,
): Promise<Finished> {
  const { training, bytes } = frozen;
  const { settings, dataset, size, fitted, card } = training;
  const { finetune: config, precision } = settings;
  if (config === undefined) return frozen;
  const { fineTune } = await import("../training/fine-tune.js");
  // What the frozen backbone does not run with, the tuned one does not either.
  const precisions: readonly Precision[] =
    frozen.choice?.f2 === null ? ["fp32"] : candidates(precision, dataset.device);
  const head = fingerprintOf(dataset, settings.fit, fitted.config);
  const fingerprint = tuningFingerprint(head, card.sha256, config, precisions);
  const states = await FinetuneStates.open(out, fingerprint, resume, context);
  const input = { dataset, frozen: fitted, settings, config, backbone: { card, bytes }, size, precisions, states };
  const { record, tuned } = await fineTune(input, context);
  if (tuned === undefined) return { ...frozen, training: { ...training, finetune: record } };
  const { backbone, choice: own, ...better } = tuned;
  const choice = own ?? frozen.choice;
  const learnt = { ...backbone.card, seenTiles: SEEN_TILES_FILE };
  return { training: { ...training, ...better, card: learnt, finetune: record }, choice, bytes: backbone.bytes };
}

async function warnOfSeenTiles(
  { card, seenTiles }: ResolvedBackbone,
  { dataset }: FinishedTraining,
  { onWarning }: RunContext,
): Promise<void> {
  const seen = seenTiles === undefined ? null : await countSeenTiles(seenTiles, dataset.tiles);
  if (seen === null || seen === 0) return;
  onWarning?.(
    `The backbone ${card.name} comes from a model that was trained on ${seen} of these ${dataset.tiles.length} tiles, so that all scores of this training are too good: score tiles that it has not seen.`,
  );
}

/** Which tiles the head, or the backbone before it, was trained on. */
async function encodeSeen({ seenTiles }: ResolvedBackbone, training: FinishedTraining): Promise<Uint8Array> {
  const tiles = trainedTiles(training);
  const both = seenTiles === undefined ? undefined : await addSeenTiles(seenTiles, tiles);
  return both ?? (await encodeSeenTiles(tiles));
}

/** Each training adds a file of its own to `folder`, which TensorBoard shows as one of its runs. */
async function writeEvents(folder: string, { fitted }: FinishedTraining): Promise<void> {
  const now = Date.now() / 1000;
  const content = encodeEvents(listScalars(fitted.history, fitted.scored.metrics), now);
  await writeWhole(join(folder, `events.out.tfevents.${now.toFixed(6)}.canopy`), content);
}

/** Seconds since the call. */
function startClock(): () => number {
  const startedAt = performance.now();
  return () => (performance.now() - startedAt) / 1000;
}

/** `context` that tells everything once, and the list of what it was warned of. */
function keepWarnings(context: RunContext): RunContext & { warnings: string[] } {
  const warnings: string[] = [];
  const onWarning = (message: string) => {
    warnings.push(message);
    context.onWarning?.(message);
  };
  return { ...tellOnce({ ...context, onWarning }), warnings };
}

async function openBackbone(
  { name = defaultBackbone(), size, normalisation, tokens, features }: BackboneSettings,
  { onWarning, signal }: RunContext,
): Promise<ResolvedBackbone> {
  const resolved = await resolveBackbone(name, {
    ...(size !== undefined && { size }),
    ...(normalisation !== undefined && { normalisation }),
    ...(tokens !== undefined && { tokens }),
    ...(onWarning && { onWarning }),
    pyramid: features === "pyramid",
    signal,
  });
  if (resolved.card.name === "untrained") {
    onWarning?.(
      "This backbone is untrained: its features are random, and a trained one scores far better (canopy models list).",
    );
  }
  return resolved;
}
