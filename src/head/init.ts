/** The weights training starts from. */
import { createRandom } from "../random.js";
import type { Head } from "./head.js";

/** Names the stream of random numbers that initial weights are drawn from. */
const INIT_STREAM = 0x696e6974;

/** Glorot-uniform weights in `+-sqrt(6 / (numFeatures + numTags))` and zero bias, as Keras' Dense starts. */
export function initHead(numFeatures: number, numTags: number, seed: number): Head {
  const random = createRandom(seed, INIT_STREAM);
  const limit = Math.sqrt(6 / (numFeatures + numTags));
  const weight = Float32Array.from({ length: numFeatures * numTags }, () => (2 * random.uniform() - 1) * limit);
  return { weight, bias: new Float32Array(numTags), numFeatures, numTags };
}
