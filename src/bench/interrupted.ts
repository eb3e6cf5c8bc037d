/** A benchmark has nothing to resume, whatever the operations inside it say when they are interrupted. */
import { InterruptedError } from "../errors.js";

export function benchInterrupted(): InterruptedError {
  return new InterruptedError("Interrupted; a benchmark leaves nothing behind, so start it anew.");
}

export async function interruptible<T>(run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    throw error instanceof InterruptedError ? benchInterrupted() : error;
  }
}
