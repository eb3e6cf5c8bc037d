/**
 * How probable it is that a label is wrong. The model is that of Copas (1988): a tile has a tag with the probability that a
 * logistic curve gives for its logit, and whoever labelled it left out a share of the tags that are there and added a share of those
 * that are not, the same shares for all tiles and tags. Curves and shares are fitted together by expectation
 * maximisation. Errors can be told from mere doubt because a logistic curve runs out at its ends, and a share does not.
 */
import { sigmoid } from "../head/head.js";
import { fitLogistic, IDENTITY, type LogisticCurve } from "../head/logistic.js";

/** The labels of one tag. */
export interface TagColumn {
  /** `[rows]` of heads that have not seen the tile. */
  logits: Float64Array;
  /** `[rows]`, 0 or 1, as given. */
  given: Uint8Array;
}

interface Shares {
  /** Of the tags that are there. */
  missing: number;
  /** Of the tags that are not there. */
  added: number;
}

const FIRST_GUESS: Shares = { missing: 0.01, added: 0.01 };
const MOST_STEPS = 300;
/** Ends when a step changes the number of errors by less, in labels and as a share of them. */
const [SETTLED, SETTLED_SHARE] = [0.005, 1e-4];
/** Of Newton's method in each step, which begins where the one before ended. */
const CURVE_STEPS = 2;

/** By column, `[rows]` each: the probability that the label is wrong. */
export function estimateErrors(columns: readonly TagColumn[]): Float64Array[] {
  const present = columns.map(({ given }) => new Float64Array(given.length));
  let curves: LogisticCurve[] = columns.map(() => IDENTITY);
  let shares = FIRST_GUESS;
  let errors = Number.POSITIVE_INFINITY;
  for (let step = 0; step < MOST_STEPS; step++) {
    for (const [i, column] of columns.entries()) expectPresent(column, curves[i], shares, present[i]);
    const counts = countErrors(columns, present);
    const now = counts.missing + counts.added;
    if (Math.abs(now - errors) < SETTLED + SETTLED_SHARE * now) break;
    errors = now;
    shares = { missing: counts.missing / counts.present, added: counts.added / counts.absent };
    curves = columns.map(({ logits }, i) => fitLogistic(logits, present[i], { from: curves[i], steps: CURVE_STEPS }));
  }
  return present.map((each, i) => each.map((there, row) => (columns[i].given[row] === 1 ? 1 - there : there)));
}

/** Writes the probability that each tile has the tag, its label known. */
function expectPresent(
  { logits, given }: TagColumn,
  { slope, offset }: LogisticCurve,
  { missing, added }: Shares,
  present: Float64Array,
): void {
  for (let row = 0; row < logits.length; row++) {
    const there = sigmoid(slope * logits[row] + offset);
    const [ifThere, ifNot] = given[row] === 1 ? [1 - missing, added] : [missing, 1 - added];
    const both = there * ifThere;
    present[row] = both / (both + (1 - there) * ifNot);
  }
}

function countErrors(columns: readonly TagColumn[], present: readonly Float64Array[]) {
  const counts = { present: 0, absent: 0, missing: 0, added: 0 };
  for (const [i, { given }] of columns.entries()) {
    for (let row = 0; row < given.length; row++) {
      const there = present[i][row];
      counts.present += there;
      counts.absent += 1 - there;
      if (given[row] === 1) counts.added += 1 - there;
      else counts.missing += there;
    }
  }
  return counts;
}
