/** Logistic regression on one score (Platt, 1999), pulled towards the identity so that few rows do not overfit. */
import { sigmoid } from "./head.js";

/** Probability `sigmoid(slope * score + offset)`. */
export interface LogisticCurve {
  slope: number;
  offset: number;
}

export const IDENTITY: LogisticCurve = { slope: 1, offset: 0 };

/** Weight of the pull towards the identity, in rows. */
const PRIOR = 2;
/** A negative slope would reverse the order of rows. */
export const SMALLEST_SLOPE = 0.05;

/**
 * Newton's method from the curve `from`; the objective is convex and the prior bounds it. `targets` are 0 and 1, or
 * probabilities.
 */
export function fitLogistic(
  scores: ArrayLike<number>,
  targets: ArrayLike<number>,
  { from = IDENTITY, steps = 25 }: { from?: LogisticCurve; steps?: number } = {},
): LogisticCurve {
  let { slope, offset } = from;
  for (let step = 0; step < steps; step++) {
    let [gs, go, hss, hso, hoo] = [PRIOR * (slope - 1), PRIOR * offset, PRIOR, 0, PRIOR];
    for (let row = 0; row < scores.length; row++) {
      const z = scores[row];
      const p = sigmoid(slope * z + offset);
      const [error, curvature] = [p - targets[row], p * (1 - p)];
      gs += error * z;
      go += error;
      hss += curvature * z * z;
      hso += curvature * z;
      hoo += curvature;
    }
    const determinant = hss * hoo - hso * hso;
    slope -= (hoo * gs - hso * go) / determinant;
    offset -= (hss * go - hso * gs) / determinant;
    slope = Math.max(slope, SMALLEST_SLOPE);
  }
  return { slope, offset };
}
