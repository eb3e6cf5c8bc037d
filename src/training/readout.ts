/**
 * Readout: from logits to tags. Calibration makes probabilities mean what they say, those of exclusive groups are
 * divided by their sum, thresholds decide. All of it is fitted on logits of tiles that the weights have not seen.
 */
import { boundedLogit, sigmoid } from "../head/head.js";
import { decide, tileFBetas } from "../head/metrics.js";
import { type ExclusiveGroups, normalizeExclusive, settledGroups, toExclusiveColumns } from "../tags/exclusive.js";
import { type LabelMatrix, selectLabels } from "../tiles/label-matrix.js";
import { type Calibration, type CalibrationName, calibrate, fitCalibration, moveThresholds } from "./calibration.js";
import { findExclusive } from "./find-exclusive.js";
import type { UnseenLogits } from "./fitted-weights.js";
import { leaveOneOut, scatterRows, selectRows } from "./rows.js";
import { fitThresholds, type ThresholdOptions } from "./thresholds.js";

export interface ReadoutOptions extends ThresholdOptions {
  /** Platt scaling by tag, or one temperature for all. @default "none" */
  calibrate?: CalibrationName;
  /**
   * Groups of tag names of which every tile has exactly one. "auto" finds groups in the labels, lets thresholds decide in them, and
   * drops them if that costs more than a little score out of fold.
   * @default []
   */
  exclusive?: "auto" | readonly (readonly string[])[];
  /** Whether a tile gets one tag of each given group, whatever the thresholds. @default true */
  exactlyOne?: boolean;
}

interface Readout extends ExclusiveGroups {
  calibration: Calibration;
  /** `[tags]` */
  thresholds: Float32Array;
}

/** Each tile under a readout that was fitted on the other folds. */
export interface CrossFitted {
  /** `[rows, tags]` */
  probabilities: Float32Array;
  /** `[rows, tags]`, 0 or 1 */
  decisions: Uint8Array;
  /**
   * `[rows, tags]` in logits: how far above the threshold that decided on it a probability lies, or, in a settled group, above the
   * others of the group; not below 0 if the tag is given. Rows of different folds are comparable.
   */
  margins: Float32Array;
}

/** The groups that were kept. */
export interface ChosenExclusive extends ExclusiveGroups {
  /** F-beta gained by exclusive groups, kept or not; null if none were given or found. */
  exclusiveGain: number | null;
  crossFitted: CrossFitted;
}

/** Given groups stay, whatever they gain; those that are found are tried. @throws InputError for groups of unknown tags */
export function chooseExclusive(unseen: UnseenLogits, options: ReadoutOptions): ChosenExclusive {
  const { labels } = unseen;
  const { exclusive: wanted = [], beta = 2 } = options;
  const areGiven = wanted !== "auto";
  const exactlyOne = areGiven && (options.exactlyOne ?? true);
  const exclusive = areGiven ? toExclusiveColumns(wanted, labels.tags) : findExclusive(labels);
  const none = { exclusive: [], exactlyOne: false };
  const without = crossFitReadout(unseen, none, options);
  if (exclusive.length === 0) return { ...none, exclusiveGain: null, crossFitted: without };
  const shared = crossFitReadout(unseen, { exclusive, exactlyOne }, options);
  const before = tileFBetas(without.decisions, labels, beta);
  const gains = tileFBetas(shared.decisions, labels, beta).map((score, row) => score - before[row]);
  const exclusiveGain = gains.reduce((sum, each) => sum + each, 0) / gains.length;
  return areGiven || exclusiveGain > -MOST_LOST
    ? { exclusive, exactlyOne, exclusiveGain, crossFitted: shared }
    : { ...none, exclusiveGain, crossFitted: without };
}

/**
 * F-beta that groups which the labels show may cost. Without a margin the choice hangs on a few labels: of 20
 * resamplings of 600 tiles 8 dropped a group that 12 kept; with this one 1 does.
 */
const MOST_LOST = 0.005;

/** Fits on unseen `logits` `[labels.rows, tags]`. */
export function fitReadout(
  logits: Float32Array,
  labels: LabelMatrix,
  groups: ExclusiveGroups,
  options: ReadoutOptions,
): Readout {
  const calibration = fitCalibration(logits, labels, options.calibrate ?? "none");
  if (groups.exclusive.length === 0) {
    // Fitted before calibration and moved with it, so that calibration changes no decision.
    const { thresholds } = fitThresholds(logits.map(sigmoid), labels, options);
    return { calibration, ...groups, thresholds: moveThresholds(thresholds, calibration) };
  }
  const { exclusive, exactlyOne } = groups;
  const probabilities = readProbabilities({ calibration, exclusive }, logits);
  const { thresholds } = fitThresholds(probabilities, labels, options, settledGroups(groups));
  return { calibration, exclusive, exactlyOne, thresholds };
}

/** Probabilities for `logits` `[rows, tags]`. */
export function readProbabilities(
  { calibration, exclusive }: Pick<Readout, "calibration" | "exclusive">,
  logits: Float32Array,
): Float32Array {
  return normalizeExclusive(calibrate(logits, calibration).map(sigmoid), calibration.slope.length, exclusive);
}

function crossFitReadout(
  { logits, labels, folds }: UnseenLogits,
  groups: ExclusiveGroups,
  options: ReadoutOptions,
): CrossFitted {
  const numTags = labels.tags.length;
  const probabilities = new Float32Array(logits.length);
  const decisions = new Uint8Array(logits.length);
  const margins = new Float32Array(logits.length);
  for (const { others, own } of leaveOneOut(folds)) {
    const readout = fitReadout(selectRows(logits, numTags, others), selectLabels(labels, others), groups, options);
    const read = readProbabilities(readout, selectRows(logits, numTags, own));
    scatterRows(probabilities, numTags, own, read);
    const decided = decide(read, readout.thresholds, settledGroups(groups));
    scatterRows(decisions, numTags, own, decided);
    scatterRows(margins, numTags, own, measureMargins(read, decided, readout));
  }
  return { probabilities, decisions, margins };
}

function measureMargins(probabilities: Float32Array, decisions: Uint8Array, readout: Readout): Float32Array {
  const { thresholds } = readout;
  const numTags = thresholds.length;
  const bars = probabilities.map((_, cell) => thresholds[cell % numTags]);
  for (let from = 0; from < bars.length; from += numTags) {
    for (const group of settledGroups(readout)) {
      for (const column of group) {
        const others = group.filter((each) => each !== column).map((each) => probabilities[from + each]);
        bars[from + column] = Math.max(...others);
      }
    }
  }
  return bars.map((bar, cell) => {
    const margin = boundedLogit(probabilities[cell]) - boundedLogit(bar);
    // What is decided stands, also where rounding puts both into one place.
    return decisions[cell] === 1 ? Math.max(margin, 0) : Math.min(margin, -LEAST_MARGIN);
  });
}

const LEAST_MARGIN = 1e-6;
