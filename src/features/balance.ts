/**
 * Balance: how many decode workers and sessions a running pipeline uses, from what it sees of them. It starts from the plan and tries one
 * change at a time: the change stays if the rate says so in the next window, else it is taken back and not tried again for twice as
 * long as before. So it comes to rest, whatever the noise.
 */

/** What can be changed. */
export interface Parts {
  /** Decode workers. */
  workers: number;
  sessions: number;
}

/** What was seen over some time in which the source had tiles to give. */
export interface Window {
  seconds: number;
  tiles: number;
  /** Mean share of the time in which those in use had something to do, 0 to 1. */
  workersBusy: number;
  sessionsBusy: number;
}

type Change = "wakeWorkers" | "parkWorker" | "wakeSession" | "parkSession";

interface Trial {
  change: Change;
  before: Parts;
  /** Tiles per second before. */
  rate: number;
}

/** Below, sessions starve; above, workers or sessions are the limit. */
const STARVING = 0.95;
const SATURATED = 0.9;
/** Workers that would be this busy if one were parked can spare it. */
const SPARE = 0.7;
/** More of either has to bring 3 %; fewer may cost 2 %. */
const GAIN = 1.03;
const LOSS = 0.98;
/** Windows after which a change that did not pay is tried again: 4, 8, 16, ... */
const FIRST_WAIT = 4;
const LONGEST_WAIT = 4096;

const OPPOSITE: Record<Change, Change> = {
  wakeWorkers: "parkWorker",
  parkWorker: "wakeWorkers",
  wakeSession: "parkSession",
  parkSession: "wakeSession",
};

export class Balance {
  readonly #most: Parts;
  readonly #waits = new Map<Change, { length: number; left: number }>();
  #parts: Parts;
  #trial: Trial | undefined;
  /** Workers woken at once. */
  #step: number;

  constructor(start: Parts, most: Parts) {
    this.#parts = { ...start };
    this.#most = most;
    this.#step = Math.max(1, start.workers >> 1);
  }

  /** What is to be used now. */
  get parts(): Parts {
    return { ...this.#parts };
  }

  /** Takes in a window in which `parts` was used. */
  observe(window: Window): void {
    const rate = window.tiles / window.seconds;
    if (this.#trial !== undefined) this.#judge(this.#trial, rate);
    else this.#try(window, rate);
  }

  #try(window: Window, rate: number): void {
    for (const wait of this.#waits.values()) wait.left = Math.max(0, wait.left - 1);
    const change = this.#propose(window);
    if (change === undefined) return;
    this.#trial = { change, before: this.#parts, rate };
    this.#parts = this.#changed(change);
  }

  #judge({ change, before, rate }: Trial, now: number): void {
    this.#trial = undefined;
    const pays = now >= rate * (change.startsWith("wake") ? GAIN : LOSS);
    // What has paid is not undone soon, and what has not is not soon done again.
    this.#postpone(pays ? OPPOSITE[change] : change);
    if (pays) return;
    this.#parts = before;
    if (change === "wakeWorkers") this.#step = Math.max(1, this.#step >> 1);
  }

  #postpone(change: Change): void {
    const length = Math.min(LONGEST_WAIT, (this.#waits.get(change)?.length ?? FIRST_WAIT / 2) * 2);
    this.#waits.set(change, { length, left: length });
  }

  /** The change that what was seen speaks for; undefined where all is well. */
  #propose({ workersBusy, sessionsBusy }: Window): Change | undefined {
    const { workers, sessions } = this.#parts;
    const starving = sessionsBusy < STARVING;
    const decodeBound = starving && workersBusy > SATURATED;
    const fits: Record<Change, boolean> = {
      wakeWorkers: decodeBound && workers < this.#most.workers,
      wakeSession: !starving && workersBusy < SATURATED && sessions < this.#most.sessions,
      parkWorker: !starving && workers > 1 && workersBusy * workers <= SPARE * (workers - 1),
      // One session's worth of time is idle although nothing more can be decoded: it only takes the caches from the others.
      parkSession: decodeBound && sessions > 1 && sessions * (1 - sessionsBusy) > 1.1,
    };
    // In this order: a session is parked only where no worker can be woken now.
    return (Object.keys(fits) as Change[]).find((change) => fits[change] && !this.#waits.get(change)?.left);
  }

  #changed(change: Change): Parts {
    const { workers, sessions } = this.#parts;
    if (change === "wakeWorkers") return { workers: Math.min(this.#most.workers, workers + this.#step), sessions };
    if (change === "parkWorker") return { workers: workers - 1, sessions };
    return { workers, sessions: sessions + (change === "wakeSession" ? 1 : -1) };
  }
}
