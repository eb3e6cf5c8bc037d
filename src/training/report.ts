/** The report of a training: the results of dataset and fit in the report's terms, with thumbnails. */
import { cpus, totalmem } from "node:os";
import { join } from "node:path";
import { namesFor } from "../curation/curated-tile.js";
import { LABEL_ERRORS_FILE, labelErrorsToCsv, toLabelErrors, toReportErrors } from "../curation/label-errors.js";
import { findLabelIssues } from "../curation/label-issues.js";
import { DECODE_DEFAULTS } from "../decode/decoder.js";
import { DecodePool } from "../decode/pool.js";
import type { CsvOptions } from "../files/csv.js";
import { writeWhole } from "../files/write.js";
import type { Interval } from "../head/bootstrap.js";
import type { Checkpoint } from "../head/checkpoint.js";
import { logit, sigmoid } from "../head/head.js";
import { setFBetaInterval } from "../head/metrics.js";
import type { ReportData, StageSpeed } from "../report/data.js";
import type { RunContext } from "../run-context.js";
import { listOf } from "../tiles/inputs.js";
import { selectLabels } from "../tiles/label-matrix.js";
import type { Tile } from "../tiles/tile.js";
import { versions } from "../versions.js";
import type { Dataset } from "./dataset.js";
import type { FinetuneRecord } from "./fine-tune.js";
import type { FinishedTraining } from "./finished-training.js";

/** Facts of a run beside the training itself. */
interface RunFacts extends CsvOptions {
  /** The model's name. */
  name: string;
  seconds: number;
  warnings: string[];
}

/** Findings of the report that the summary of a training repeats. */
export interface TrainingFindings {
  /** 95% bootstrap interval of the F2 on tiles that the model has not seen. */
  interval: Interval;
  /** Labels that may be wrong, and how many of them are, as far as can be told. */
  labelErrors: { count: number; expected: number };
}

/** Writes report.json, report.html and label-errors.csv into `folder`. */
export async function reportTraining(
  folder: string,
  training: FinishedTraining,
  checkpoint: Checkpoint,
  { name, seconds, warnings, escapeFormulas }: RunFacts,
  context: RunContext,
): Promise<TrainingFindings> {
  // Loaded here, because the charting library takes longer to load than some commands take to run.
  const { writeReport } = await import("../report/store.js");
  const { summarise } = await import("../report/summary.js");
  const { wantedPictures, REPORT_VERSION } = await import("../report/data.js");
  const { dataset, fitted } = training;
  const { metrics, rows, probabilities, decisions, margins, folds, measuredOn } = fitted.scored;
  const labels = selectLabels(dataset.labels, rows);
  const tiles = Array.from(rows, (row) => dataset.tiles[row]);
  const nameOf = namesFor(dataset.tiles);
  const summary = summarise({
    names: tiles.map(nameOf),
    tags: checkpoint.tags,
    probabilities,
    labels: labels.data,
    thresholds: checkpoint.thresholds,
    decisions,
    ranking: aboveThresholds(margins, checkpoint.thresholds),
  });
  const interval = setFBetaInterval(decisions, labels, 2, fitted.config.seed);
  const errors = toLabelErrors(findLabelIssues(probabilities, labels), tiles, labels, nameOf);
  await writeWhole(join(folder, LABEL_ERRORS_FILE), labelErrorsToCsv(errors, { escapeFormulas }));
  const labelErrors = toReportErrors(errors);
  const data: ReportData = {
    version: REPORT_VERSION,
    name,
    createdBy: checkpoint.createdBy,
    createdAt: new Date().toISOString(),
    training: trainingFacts(training, checkpoint, seconds),
    score: { metrics, interval, measuredOn, ...(measuredOn === "out-of-fold" && { folds: new Set(folds).size }) },
    summary,
    history: fitted.history,
    labelErrors,
    speed: stageSpeeds(training),
    ...(training.finetune && { finetune: finetuneScores(training.finetune) }),
    warnings,
    pictures: await thumbnails(wantedPictures(summary, labelErrors), nameOf, dataset, context),
  };
  await writeReport(folder, data);
  return { interval, labelErrors: { count: errors.length, expected: labelErrors.expected } };
}

/** Probabilities as they would be if the final thresholds were those that decided: the same decisions, comparable across folds. */
function aboveThresholds(margins: Float32Array, thresholds: Float32Array): Float32Array {
  return margins.map((margin, cell) => sigmoid(margin + logit(thresholds[cell % thresholds.length])));
}

function trainingFacts(
  { settings, card, size, dataset, fitted }: FinishedTraining,
  { exclusive }: Checkpoint,
  seconds: number,
): ReportData["training"] {
  const { data, fit, readout } = settings;
  return {
    input: listOf(data.tiles).join(" "),
    labels: data.labels,
    tiles: dataset.tiles.length,
    rejected: dataset.rejected.length,
    tilesWithoutLabels: dataset.tilesWithoutLabels,
    labelsWithoutTiles: dataset.labelsWithoutTiles,
    backbone: { name: card.name, sha256: card.sha256, licence: card.licence, description: card.description },
    size,
    device: dataset.device,
    seed: fitted.config.seed,
    recipe: {
      ...fitted.config,
      blocks: fitted.config.blocks.join(" + ") || "one",
      ...(fitted.l2 !== undefined && { l2: fitted.l2 }),
      calibrate: readout.calibrate,
      ...(exclusive && { exclusive: exclusive.map((group) => group.join(", ")).join("; ") }),
      augment: fit.augment,
      tta: fit.tta,
      ...tuningRecipe(settings),
    },
    versions: versions(),
    machine: `${cpus()[0]?.model.trim() ?? "unknown processor"}, ${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GiB`,
    seconds,
  };
}

function finetuneScores({ kept, epochs, f2Before, f2After, mapBefore, mapAfter }: FinetuneRecord) {
  return { kept, epochs, f2Before, f2After, mapBefore, mapAfter };
}

function tuningRecipe({ finetune }: FinishedTraining["settings"]): Record<string, string | number> {
  if (finetune === undefined) return {};
  const { epochs, learningRate, headRate, blocks } = finetune;
  return {
    "fine-tuning: epochs": epochs,
    "fine-tuning: learning rates": `${learningRate}, head ${headRate}`,
    "fine-tuning: blocks": String(blocks),
  };
}

function stageSpeeds({ dataset, headSeconds }: FinishedTraining): StageSpeed[] {
  const features = { stage: "features", count: dataset.decoded, unit: "tiles", seconds: dataset.seconds };
  const head = { stage: "head", count: dataset.tiles.length, unit: "tiles", seconds: headSeconds };
  return dataset.decoded > 0 ? [features, head] : [head];
}

/**
 * Pictures of the tiles that `nameOf` calls `names`, decoded once more at thumbnail size; tiles that are gone by now are left out.
 */
async function thumbnails(
  names: readonly string[],
  nameOf: (tile: Tile) => string,
  { tiles, decode }: Dataset,
  context: RunContext,
): Promise<ReportData["pictures"]> {
  const { makeThumbnail, THUMBNAIL_SIZE } = await import("../report/thumbnail.js");
  const byName = new Map(tiles.map((tile) => [nameOf(tile), tile]));
  const wanted = names.flatMap((name) => byName.get(name) ?? []);
  const bytes = THUMBNAIL_SIZE ** 2 * 3;
  const buffer = new SharedArrayBuffer(Math.max(1, wanted.length * bytes));
  const pool = new DecodePool({}, context);
  try {
    const outcomes = await pool.decode(
      wanted,
      { buffer, byteOffset: 0 },
      { ...DECODE_DEFAULTS, ...decode, size: THUMBNAIL_SIZE },
    );
    const good = wanted.map((tile, i) => ({ tile, i })).filter(({ i }) => outcomes?.[i] === undefined);
    return await Promise.all(good.map(({ tile, i }) => picture(tile, new Uint8Array(buffer, i * bytes, bytes))));
  } finally {
    await pool.close();
  }

  async function picture(tile: Tile, pixels: Uint8Array) {
    return { name: nameOf(tile), source: await makeThumbnail(pixels, THUMBNAIL_SIZE) };
  }
}
