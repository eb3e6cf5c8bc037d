/** An abort, as workers see it that are busy: their messages wait until they are done, memory does not. */
import { InterruptedError } from "./errors.js";

export class StopFlag {
  /** What a worker is given: see `refuseIfStopped`. */
  readonly buffer = new SharedArrayBuffer(4);
  readonly #signal: AbortSignal | undefined;
  readonly #raise = (): void => void Atomics.store(new Int32Array(this.buffer), 0, 1);

  constructor(signal: AbortSignal | undefined) {
    this.#signal = signal;
    signal?.addEventListener("abort", this.#raise, { once: true });
    if (signal?.aborted) this.#raise();
  }

  get raised(): boolean {
    return isRaised(this.buffer);
  }

  /** Lets go of the signal. */
  close(): void {
    this.#signal?.removeEventListener("abort", this.#raise);
  }
}

/** For a worker, before each tile that may take long. @throws InterruptedError */
export function refuseIfStopped(flag: SharedArrayBuffer | undefined): void {
  if (flag !== undefined && isRaised(flag)) throw new InterruptedError();
}

function isRaised(flag: SharedArrayBuffer): boolean {
  return Atomics.load(new Int32Array(flag), 0) === 1;
}
