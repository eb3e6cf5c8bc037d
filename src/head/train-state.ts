/** Where a training by mini-batches stands after an epoch: all it takes to go on. The order of tiles follows from seed and epoch. */
import type { GradientConfig } from "./config.js";
import type { HistoryRow } from "./history.js";
import type { StepState } from "./stepper.js";

/** Plain data: numbers, strings and typed arrays. */
export interface TrainState extends StepState {
  /** Epochs done. */
  epoch: number;
  config: GradientConfig;
  history: HistoryRow[];
}
