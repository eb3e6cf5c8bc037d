/** Confidence intervals by the bootstrap: how much a score depends on which tiles it was measured on. */
import { checkInRange, checkInteger } from "../check.js";
import { createRandom } from "../random.js";

export interface Interval {
  low: number;
  high: number;
  /** Share of resamples inside, for example 0.95. */
  level: number;
}

export interface BootstrapOptions {
  /** Samples that are drawn with replacement. @default 1000 */
  resamples?: number;
  /** Share of resamples inside the interval. @default 0.95 */
  level?: number;
  /** Decides the resamples. @default 1 */
  seed?: number;
}

/** The percentile interval (Efron 1979) of the mean of `scores`, one score per tile. */
export function bootstrapMean(scores: Float64Array, options: BootstrapOptions = {}): Interval {
  return bootstrap(scores.length, (rows) => rows.reduce((sum, row) => sum + scores[row], 0) / rows.length, options);
}

/** The percentile interval of any `statistic` of `rows` tiles; it is given the resampled rows. NaN results are left out. */
export function bootstrap(
  rows: number,
  statistic: (rows: Uint32Array) => number,
  { resamples = 1000, level = 0.95, seed = 1 }: BootstrapOptions = {},
): Interval {
  checkInteger("rows", rows, 1);
  checkInteger("resamples", resamples, 10);
  checkInRange("level", level, 0.01, 0.999);
  const random = createRandom(seed);
  const drawn = new Uint32Array(rows);
  const values = new Float64Array(resamples).map(() => {
    for (let i = 0; i < rows; i++) drawn[i] = random.below(rows);
    return statistic(drawn);
  });
  const sorted = values.filter((value) => !Number.isNaN(value)).sort();
  return { low: quantile(sorted, (1 - level) / 2), high: quantile(sorted, (1 + level) / 2), level };
}

/** Linear between order statistics. */
function quantile(sorted: Float64Array, share: number): number {
  const at = share * (sorted.length - 1);
  const [below, above] = [sorted[Math.floor(at)], sorted[Math.ceil(at)]];
  return below + (at - Math.floor(at)) * (above - below);
}
