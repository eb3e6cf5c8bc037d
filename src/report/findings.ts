/** The report's advice in short sentences: how good the model is, what is wrong with the data, what to do next. */
import type { TagMetrics } from "../head/metrics.js";
import { FEW_POSITIVES, type ReportData } from "./data.js";
import { count, counted, enumerate, expectedErrors, percent, score } from "./format.js";

export interface Finding {
  text: string;
  /** Fragment of the page that shows more. */
  link?: string;
}

interface Findings {
  worth: Finding[];
  data: Finding[];
  next: Finding[];
}

/** From the first average precision on a tag is called strong, below the second weak. */
const STRONG = 0.8;
const WEAK = 0.5;

/** Expected calibration error above which probabilities should not be trusted. */
const MISCALIBRATED = 0.05;

export function findFindings(data: ReportData): Findings {
  return { worth: judgeModel(data), data: judgeData(data), next: advise(data) };
}

/** Whether a tag has too few positives for its scores to mean much. */
export function hasFewPositives(tag: TagMetrics): boolean {
  return tag.support < FEW_POSITIVES;
}

function judgeModel({ score: { metrics, interval }, summary }: ReportData): Finding[] {
  const { constant } = summary;
  const least = interval?.low ?? metrics.f2;
  const beats =
    least > constant.f2
      ? `Better than giving every tile the same tags (${enumerate(constant.tags)}), which scores ${score(constant.f2)}.`
      : `Not clearly better than giving every tile the same tags (${enumerate(constant.tags)}), which scores ${score(constant.f2)}.`;
  const telling = metrics.perTag.filter((tag) => !hasFewPositives(tag) && tag.averagePrecision !== null);
  const named = (tags: TagMetrics[]) =>
    enumerate(
      tags.map((tag) => tag.tag),
      6,
    );
  const strong = telling.filter((tag) => tag.averagePrecision! >= STRONG).sort(byPrecision(-1));
  const weak = telling.filter((tag) => tag.averagePrecision! < WEAK).sort(byPrecision(1));
  const gain = metrics.f2 - metrics.f2AtHalf;
  return [
    { text: beats },
    ...when(strong.length > 0, `Knows ${named(strong)} (average precision ${STRONG} or more).`),
    ...when(weak.length > 0, `Weak on ${named(weak)} (below ${WEAK}, with enough positives to tell).`),
    ...when(gain >= 0.005, `Fitted thresholds gain ${score(gain)} over 0.5 for every tag.`),
  ];
}

function byPrecision(sign: 1 | -1): (a: TagMetrics, b: TagMetrics) => number {
  return (a, b) => sign * (a.averagePrecision! - b.averagePrecision!);
}

function judgeData({ training, score: { metrics }, labelErrors, warnings }: ReportData): Finding[] {
  const few = metrics.perTag.filter(hasFewPositives);
  const errors = labelErrors?.count ?? 0;
  const found: Finding[] = [
    ...when(
      errors > 0,
      `${counted(errors, "label")} worth a look, of which ${expectedErrors(labelErrors?.expected ?? 0)}.`,
      "label-errors",
    ),
    ...when(
      few.length > 0,
      `${counted(few.length, "tag")} with fewer than ${FEW_POSITIVES} positives, too few to tell: ${enumerate(
        few.map((tag) => tag.tag),
        6,
      )}.`,
      "tags",
    ),
    ...when(
      training.rejected > 0,
      `Could not read ${count(training.rejected)} of ${counted(training.tiles + training.rejected, "tile")}; left out.`,
    ),
    ...warnings.map((text) => ({ text })),
  ];
  return found.length > 0
    ? found
    : [{ text: "Nothing found: every tile was read and labelled, and every tag has enough positives." }];
}

function advise(data: ReportData): Finding[] {
  const {
    score: { metrics, interval },
    labelErrors,
    summary,
  } = data;
  const file = labelErrors?.file === undefined ? "" : ` (all in ${labelErrors.file})`;
  const few = metrics.perTag.filter(hasFewPositives).sort((a, b) => a.support - b.support);
  const weakest = metrics.perTag
    .map((tag, column) => ({ ...tag, column }))
    .filter((tag) => !hasFewPositives(tag) && tag.averagePrecision !== null && tag.averagePrecision < WEAK)
    .sort(byPrecision(1))[0];
  const width = interval === null ? 0 : interval.high - interval.low;
  const advice: Finding[] = [
    ...when(
      (labelErrors?.count ?? 0) > 0,
      `Look at the labels that may be wrong, the surest first${file}, correct them, and train again.`,
      "label-errors",
    ),
    ...when(
      few.length > 0,
      `Label more tiles with ${enumerate(
        few.map((tag) => tag.tag),
        4,
      )}.`,
    ),
    ...(weakest === undefined
      ? []
      : when(
          true,
          `Look at what ${weakest.tag} is mistaken for: ${counted(alarms(data, weakest.column), "false alarm")}, ${count(missed(data, weakest.column))} missed.`,
          `tag-${weakest.column}`,
        )),
    ...adviseOnHistory(data),
    ...when(
      summary.reliability.ece > MISCALIBRATED,
      `Do not take probabilities at their word: they are off by ${percent(summary.reliability.ece)} on average.`,
      "calibration",
    ),
    ...when(width > 0.06, `Score on more tiles before comparing models: the interval is ${score(width)} wide.`),
  ];
  return advice.length > 0 ? advice : [{ text: "Run it: canopy predict INPUT --model MODEL_DIR --out tags.csv" }];
}

function adviseOnHistory({ history, training }: ReportData): Finding[] {
  // L-BFGS stops at the optimum, which depends on the penalty, and cross-validation chose that: more iterations do not
  // help.
  if (training.recipe["optimizer"] === "lbfgs") return [];
  const held = history.filter((row) => row.valLoss !== null);
  const last = held.at(-1);
  if (last === undefined) {
    return [];
  }
  const best = held.reduce((a, b) => (b.valLoss! < a.valLoss! ? b : a));
  if (best.valLoss! < last.valLoss! * 0.98) {
    return when(
      true,
      `Train for fewer epochs: the held-out loss was lowest after epoch ${best.epoch} of ${last.epoch}.`,
      "history",
    );
  }
  const quarterAgo = held[Math.floor(held.length * 0.75)];
  return when(
    quarterAgo.valLoss! - last.valLoss! > 0.01 * last.valLoss!,
    `Train for more epochs: the held-out loss was still falling after epoch ${last.epoch}.`,
    "history",
  );
}

function alarms({ summary }: ReportData, column: number): number {
  return summary.tags[column].falseAlarms.count;
}

function missed({ summary }: ReportData, column: number): number {
  return summary.tags[column].misses.count;
}

function when(condition: boolean, text: string, to?: string): Finding[] {
  return condition ? [to === undefined ? { text } : { text, link: to }] : [];
}
