/** Labels that may be wrong: those that heads which have not seen the tile contradict. */
import { boundedLogit } from "../head/head.js";
import type { LabelMatrix } from "../tiles/label-matrix.js";
import { estimateErrors } from "./label-noise.js";

export interface LabelIssue {
  row: number;
  /** Column of the tag. */
  tag: number;
  /** The label as given: true if the tile is said to have the tag. */
  labelled: boolean;
  /** Out-of-fold probability of the tag. */
  probability: number;
  /**
   * Probability that the label is wrong, if errors strike all tiles and tags alike. It is lower than `probability` says
   * for a tag that is hard to tell, and where few labels are contradicted.
   */
  score: number;
}

/** Labels that are less probably wrong are not worth a look. */
const LEAST_SCORE = 0.05;

/**
 * The labels that are wrong with a probability of 5% or more, the surest first; the sum of their scores is the number of
 * errors to expect among them. `probabilities` are out of fold, `[labels.rows, tags]`. A tag that fewer than
 * `minSupport` tiles have (or lack) is left out, because nothing can be said about it.
 */
export function findLabelIssues(
  probabilities: Float32Array,
  labels: LabelMatrix,
  { minSupport = 3 }: { minSupport?: number } = {},
): LabelIssue[] {
  const numTags = labels.tags.length;
  const columns = labels.tags.map((_, tag) => ({ tag, ...columnOf(probabilities, labels, tag) }));
  const telling = columns.filter(({ given }) => {
    const support = given.reduce((sum, each) => sum + each, 0);
    return support >= minSupport && labels.rows - support >= minSupport;
  });
  const issues = estimateErrors(telling).flatMap((scores, i) => {
    const { tag, given } = telling[i];
    const rows = [...scores.keys()].filter((row) => scores[row] >= LEAST_SCORE);
    return rows.map((row) => ({
      row,
      tag,
      labelled: given[row] === 1,
      probability: probabilities[row * numTags + tag],
      score: scores[row],
    }));
  });
  return issues.sort((a, b) => b.score - a.score || a.row - b.row || a.tag - b.tag);
}

function columnOf(probabilities: Float32Array, { data, rows, tags }: LabelMatrix, tag: number) {
  const cell = (row: number) => row * tags.length + tag;
  return {
    logits: Float64Array.from({ length: rows }, (_, row) => boundedLogit(probabilities[cell(row)])),
    given: Uint8Array.from({ length: rows }, (_, row) => data[cell(row)]),
  };
}
