/** Lanes: threads that decode, one pool of one thread each, so that some can be parked. Tasks wait in one line for whichever is free. */
import type { Piscina } from "piscina";
import { BusyMeter } from "../busy-meter.js";
import { createWorkerPool, endWorkerPool } from "../worker-pool.js";
import type { DecodeOutcome } from "./decoder.js";
import type { DecodeTask } from "./worker.js";

interface Lane {
  thread: Piscina<DecodeTask, DecodeOutcome[] | undefined>;
  /** Tasks it has been given and not answered. */
  load: number;
}

export class Lanes {
  /** Time in which lanes had something to do. */
  readonly busy = new BusyMeter();
  readonly #tasksPerLane: number;
  readonly #lanes: Lane[] = [];
  readonly #waiting: ((lane: Lane) => void)[] = [];
  #open = 0;

  /** `tasksPerLane` 2: while a thread decodes its next task is there already, and it never waits for the main thread. */
  constructor(count: number, tasksPerLane: number) {
    this.#tasksPerLane = tasksPerLane;
    this.open(count);
  }

  /** Lanes that take tasks. */
  get count(): number {
    return this.#open;
  }

  /** Lets the first `count` lanes take tasks, starting them where they are new. Others finish what they have and are parked. */
  open(count: number): void {
    while (this.#lanes.length < count) this.#lanes.push({ thread: startThread(this.#tasksPerLane), load: 0 });
    this.#open = count;
    this.#serve();
  }

  /** Rejects where the thread throws or dies. */
  async run(task: DecodeTask): Promise<DecodeOutcome[] | undefined> {
    const lane = this.#freest() ?? (await new Promise<Lane>((resolve) => this.#waiting.push(resolve)));
    try {
      return await lane.thread.run(task);
    } finally {
      if (--lane.load === 0) this.busy.change(-1);
      this.#serve();
    }
  }

  /** Waits for what is being decoded, then ends the threads. */
  async close(): Promise<void> {
    await Promise.all(this.#lanes.map(({ thread }) => endWorkerPool(thread)));
  }

  /** The lane with the least to do, taken; undefined where all have enough. */
  #freest(): Lane | undefined {
    const open = this.#lanes.slice(0, this.#open);
    const lane = open.reduce((best, other) => (other.load < best.load ? other : best));
    if (lane.load >= this.#tasksPerLane) return undefined;
    if (++lane.load === 1) this.busy.change(1);
    return lane;
  }

  #serve(): void {
    while (this.#waiting.length > 0) {
      const lane = this.#freest();
      if (lane === undefined) return;
      this.#waiting.shift()!(lane);
    }
  }
}

function startThread(tasks: number): Lane["thread"] {
  return createWorkerPool(new URL("./worker.js", import.meta.url), "decodeChunk", 1, tasks);
}
