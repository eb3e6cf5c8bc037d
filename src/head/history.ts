/** What one epoch (or one iteration of L-BFGS) did. */

export interface HistoryRow {
  /** From 1. */
  epoch: number;
  /** Mean loss over the epoch's tiles, each with the weights its step began with (Keras' running mean). */
  loss: number;
  /** Share of right labels at 0.5, running like `loss`. */
  binaryAccuracy: number;
  /** Samples-averaged F2 at 0.5, running like `loss`. */
  f2: number;
  /** The same three on the held-out tiles with the weights after the epoch; null without held-out tiles. */
  valLoss: number | null;
  valBinaryAccuracy: number | null;
  valF2: number | null;
}
