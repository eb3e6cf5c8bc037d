/** BusyMeter: how many of several workers are busy, added up over time. */
export class BusyMeter {
  #busy = 0;
  #total = 0;
  #since = performance.now();

  /** One more (1) or one less (-1) is busy from now on. */
  change(by: 1 | -1): void {
    this.#advance();
    this.#busy += by;
  }

  /** Milliseconds of all workers together since the last call: one busy all the time and one idle give as many as have passed. */
  take(): number {
    this.#advance();
    const total = this.#total;
    this.#total = 0;
    return total;
  }

  #advance(): void {
    const now = performance.now();
    this.#total += this.#busy * (now - this.#since);
    this.#since = now;
  }
}
