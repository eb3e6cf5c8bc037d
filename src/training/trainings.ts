/**
 * The trainings of one fit: each has a name, goes on where an interrupted fit left it, and is stopped by the signal.
 */
import { InterruptedError } from "../errors.js";
import type { TrainedHead, TrainHeadOptions, TrainState } from "../head/trained-head.js";

/** "history" leaves out the held-out tiles, "fold 1" and so on leave out the tiles of a fold, "final" none. */
export type TrainingName = "history" | "final" | `fold ${number}`;

/** States of gradient optimisers, by training. */
export type TrainingStates = Map<TrainingName, TrainState>;

export interface TrainingsOptions extends Pick<TrainHeadOptions, "signal" | "threads" | "stepper"> {
  /** Called after each epoch of the training whose history is kept. */
  onEpoch?: TrainHeadOptions["onEpoch"];
  /** Called before the first and after each of the `total` trainings. */
  onTraining?: (done: number, total: number) => void;
  /**
   * Filled here, also if the signal stops the fit. Given the saved states, a fit goes on bit for bit as if it had never
   * stopped.
   * @default none
   */
  states?: TrainingStates;
}

/** Input of a single training. */
type RunningOptions = Pick<TrainHeadOptions, "signal" | "threads" | "stepper" | "resumeFrom">;

/** Runs the training called `name`. @throws InterruptedError if the signal stopped it; `states` then says how far it came */
type RunTraining = (
  name: TrainingName,
  train: (running: RunningOptions) => Promise<TrainedHead>,
) => Promise<TrainedHead>;

/** A function that runs the `total` trainings of a fit, one after the other. */
export function createTrainings(total: number, options: TrainingsOptions): RunTraining {
  const { signal, threads, stepper, onTraining, states = new Map() } = options;
  let done = 0;
  return async (name, train) => {
    const resumeFrom = states.get(name);
    if (done === 0) onTraining?.(0, total);
    const trained = await train({
      ...(signal && { signal }),
      ...(threads && { threads }),
      ...(stepper && { stepper }),
      ...(resumeFrom && { resumeFrom }),
    });
    if (trained.state !== undefined) states.set(name, trained.state);
    if (signal?.aborted) throw new InterruptedError();
    onTraining?.(++done, total);
    return trained;
  };
}
