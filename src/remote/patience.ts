/** How often, and how long, a server is asked again. */
import { setTimeout as sleep } from "node:timers/promises";
import { InterruptedError } from "../errors.js";
import { RemoteError } from "./request-error.js";

/** In milliseconds and tries; tests are less patient. */
export const PATIENCE = {
  /** Tries without a new byte. */
  tries: 6,
  /** Before the second try; twice as long before each further one. */
  firstWait: 500,
  /** Without a byte for so long, a connection is given up. */
  silence: 30_000,
};

/** Tries `act` again after failures that may pass; `reset` comes before each further try, and before it throws. */
export async function insist<T>(act: () => Promise<T>, signal: AbortSignal | undefined, reset = () => {}): Promise<T> {
  for (let tries = 1, wait = PATIENCE.firstWait; ; tries++, wait *= 2) {
    if (signal?.aborted) throw new InterruptedError();
    try {
      return await act();
    } catch (error) {
      reset();
      if (!(error instanceof RemoteError && error.isPassing) || tries >= PATIENCE.tries) throw error;
      await sleep(Math.max(wait, error.wait), undefined, { ...(signal && { signal }) }).catch(() => {});
    }
  }
}
