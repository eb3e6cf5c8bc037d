/** A benchmark cannot be resumed, although operations inside it say so when they are interrupted. */
import { InterruptedError, restateInterrupt } from "../errors.js";

const MESSAGE = "Interrupted; a benchmark leaves nothing behind, so start it anew.";

export function benchInterrupted(): InterruptedError {
  return new InterruptedError(MESSAGE);
}

export function interruptible<T>(run: () => Promise<T>): Promise<T> {
  return run().catch(restateInterrupt(MESSAGE));
}
