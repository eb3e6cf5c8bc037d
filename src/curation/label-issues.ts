/**
 * Probable label errors: labels that are contradicted most by heads that have not seen the tile. Confident learning
 * (Northcutt, Jiang and Chuang 2021), each tag by itself.
 */
import type { LabelMatrix } from "../tiles/label-matrix.js";

export interface LabelIssue {
  row: number;
  /** Column of the tag. */
  tag: number;
  /** The label as given: true if the tile is said to have the tag. */
  labelled: boolean;
  /** Out-of-fold probability of the tag. */
  probability: number;
  /** Probability of the label's opposite, 0..1: how sure the contradiction is. */
  score: number;
}

/**
 * The cells of out-of-fold `probabilities` `[labels.rows, tags]` whose opposite label is at least as probable as on
 * average over the tiles that have that label; surest first. A tag that fewer than `minSupport` tiles have (or lack) is
 * left out, because its averages mean nothing.
 */
export function findLabelIssues(
  probabilities: Float32Array,
  labels: LabelMatrix,
  { minSupport = 3 }: { minSupport?: number } = {},
): LabelIssue[] {
  const numTags = labels.tags.length;
  const issues = labels.tags.flatMap((_, tag) => {
    const bars = confidenceBars(probabilities, labels, tag, minSupport);
    if (bars === undefined) return [];
    const found: LabelIssue[] = [];
    for (let row = 0; row < labels.rows; row++) {
      const probability = probabilities[row * numTags + tag];
      const labelled = labels.data[row * numTags + tag] === 1;
      const score = labelled ? 1 - probability : probability;
      // The label must also be the less probable one, or a rare tag would make every unsure tile an issue.
      if (score >= (labelled ? bars.absent : bars.present) && score > 0.5) {
        found.push({ row, tag, labelled, probability, score });
      }
    }
    return found;
  });
  return issues.sort((a, b) => b.score - a.score || a.row - b.row || a.tag - b.tag);
}

/** Mean probability of "present" over tiles with the tag, and of "absent" over tiles without it. */
function confidenceBars(
  probabilities: Float32Array,
  labels: LabelMatrix,
  tag: number,
  minSupport: number,
): { present: number; absent: number } | undefined {
  let [support, present, absent] = [0, 0, 0];
  for (let cell = tag; cell < labels.data.length; cell += labels.tags.length) {
    support += labels.data[cell];
    if (labels.data[cell] === 1) present += probabilities[cell];
    else absent += 1 - probabilities[cell];
  }
  const lacking = labels.rows - support;
  if (support < minSupport || lacking < minSupport) return undefined;
  return { present: present / support, absent: absent / lacking };
}
