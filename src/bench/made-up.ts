/** Made-up features and labels, to measure the cost of training. */
import type { FeatureMatrix } from "../head/feature-matrix.js";
import { createRandom } from "../random.js";
import type { LabelMatrix } from "../tiles/label-matrix.js";

/** As many tags as Planet has. */
export const TAGS = 17;

/**
 * Features of 0 to 1 as pooled ReLU6 gives, and tags that depend on a few of them, with noise: they can be learnt, but
 * not perfectly.
 * @param part each number gives different rows of the same kind
 */
export function makeUp(rows: number, numFeatures: number, part = 0): { features: FeatureMatrix; labels: LabelMatrix } {
  const random = createRandom(1, part);
  const data = Float32Array.from({ length: rows * numFeatures }, () => random.uniform());
  const cells = new Uint8Array(rows * TAGS);
  for (let row = 0; row < rows; row++) {
    for (let tag = 0; tag < TAGS; tag++) {
      let sum = 2 * random.uniform();
      for (let k = 0; k < 8; k++) sum += data[row * numFeatures + ((tag * 8 + k) % numFeatures)];
      cells[row * TAGS + tag] = sum > 5 + (tag % 4) / 4 ? 1 : 0;
    }
  }
  const tags = Array.from({ length: TAGS }, (_, tag) => `tag_${tag}`);
  return { features: { data, rows, numFeatures }, labels: { data: cells, rows, tags } };
}
