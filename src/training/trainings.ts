/** The trainings that make up one fit: each has a name, goes on where an interrupted fit left it, and is stopped by the signal. */
import { InterruptedError } from "../errors.js";
import type { TrainedHead, TrainHeadOptions, TrainState } from "../head/trained-head.js";

/** "history" leaves out the held-out tiles, "fold 1" and so on the tiles of a fold, "final" none. */
export type TrainingName = "history" | "final" | `fold ${number}`;

/** Where gradient optimisers stand. */
export type TrainingStates = Map<TrainingName, TrainState>;

export interface TrainingsOptions extends Pick<TrainHeadOptions, "signal" | "threads" | "stepper"> {
  /** Called after each epoch of the training whose history is kept. */
  onEpoch?: TrainHeadOptions["onEpoch"];
  /** Called after each of the `total` trainings. */
  onTraining?: (done: number, total: number) => void;
  /**
   * Filled here, also when the signal stops the fit. Saved and given again, the fit goes on bit for bit as if it had never stopped.
   * @default none
   */
  states?: TrainingStates;
}

/** What a single training is to be given. */
type RunningOptions = Pick<TrainHeadOptions, "signal" | "threads" | "stepper" | "resumeFrom">;

/** Runs the training called `name`. @throws InterruptedError if the signal stopped it; `states` then says how far it came */
type RunTraining = (
  name: TrainingName,
  train: (running: RunningOptions) => Promise<TrainedHead>,
) => Promise<TrainedHead>;

/** What runs the `total` trainings of a fit, one after the other. */
export function createTrainings(total: number, options: TrainingsOptions): RunTraining {
  const { signal, threads, stepper, onTraining, states = new Map() } = options;
  let done = 0;
  return async (name, train) => {
    const resumeFrom = states.get(name);
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
