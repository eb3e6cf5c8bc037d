/** Features that are no numbers: a network may give them for some pictures, although it ran well when it was tried out. */
import type { DecodeOutcome } from "../decode/decoder.js";

const MESSAGE =
  "The backbone gives features for it that are no finite numbers: its weights, or its normalisation, are wrong";

/** Sets the outcome of each tile whose row in `features`, `[outcomes, rowLength]`, is not finite, so that it is rejected. */
export function rejectUnsound(features: Float32Array, outcomes: DecodeOutcome[], rowLength: number): void {
  for (const [i, outcome] of outcomes.entries()) {
    if (outcome !== undefined || hasNumbers(features, i * rowLength, (i + 1) * rowLength)) continue;
    outcomes[i] = { code: "FEATURES", message: MESSAGE };
  }
}

/** A sum of float32 in doubles does not overflow: it is finite if all of them are. */
function hasNumbers(values: Float32Array, from: number, to: number): boolean {
  let sum = 0;
  for (let i = from; i < to; i++) sum += values[i];
  return Number.isFinite(sum);
}
