/** One AdamW step, as PyTorch does it (Loshchilov and Hutter, Decoupled Weight Decay Regularization, 2019). */

export const BETA1 = 0.9;
const BETA2 = 0.999;
const EPSILON = 1e-8;

/** A weight with what AdamW keeps of its gradients; all of one length. */
export interface Learning {
  values: Float32Array;
  firstMoment: Float32Array;
  secondMoment: Float32Array;
}

/** Changes `weight` in place; `step` counts from 1. */
export function stepAdamW(weight: Learning, gradient: Float32Array, rate: number, decay: number, step: number): void {
  const { values, firstMoment, secondMoment } = weight;
  const stepSize = rate / (1 - BETA1 ** step);
  const root = Math.sqrt(1 - BETA2 ** step);
  const kept = 1 - rate * decay;
  for (let i = 0; i < values.length; i++) {
    const g = gradient[i];
    firstMoment[i] = BETA1 * firstMoment[i] + (1 - BETA1) * g;
    secondMoment[i] = BETA2 * secondMoment[i] + (1 - BETA2) * g * g;
    values[i] = values[i] * kept - (stepSize * firstMoment[i]) / (Math.sqrt(secondMoment[i]) / root + EPSILON);
  }
}
