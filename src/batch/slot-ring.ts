/** SlotRing: the pixel memory of a run, allocated once and divided into slots; a slot holds one batch. */
import { checkInteger } from "../check.js";

/** `[batchSize, size, size, 3]` uint8 inside the ring's memory. Whoever acquired it may write it until it is released. */
export interface Slot {
  index: number;
  /** First byte inside `ring.buffer`. */
  byteOffset: number;
}

export class SlotRing {
  /** The memory of all slots. This ring owns it while anybody reads it. */
  readonly buffer: SharedArrayBuffer;
  readonly slotCount: number;
  readonly slotBytes: number;
  readonly #free: Slot[];
  readonly #waiting: { take: (slot: Slot) => void; fail: (error: Error) => void }[] = [];
  #closed = false;

  constructor(slotCount: number, slotBytes: number) {
    checkInteger("slotCount", slotCount, 1, 4096);
    checkInteger("slotBytes", slotBytes, 1);
    this.slotCount = slotCount;
    this.slotBytes = slotBytes;
    this.buffer = new SharedArrayBuffer(slotCount * slotBytes);
    this.#free = Array.from({ length: slotCount }, (_, i) => ({ index: i, byteOffset: i * slotBytes })).reverse();
  }

  /** Number of free slots. */
  get freeCount(): number {
    return this.#free.length;
  }

  /** A free slot, as soon as there is one; rejects if the ring is closed first. */
  acquire(): Promise<Slot> {
    if (this.#closed) return Promise.reject(new Error("The slot ring is closed."));
    const slot = this.#free.pop();
    if (slot) return Promise.resolve(slot);
    return new Promise((take, fail) => this.#waiting.push({ take, fail }));
  }

  /** Gives a slot back; a slot is released once. */
  release(slot: Slot): void {
    const next = this.#waiting.shift();
    if (next) next.take(slot);
    else this.#free.push(slot);
  }

  /** Rejects all calls that wait for a slot. */
  close(): void {
    this.#closed = true;
    for (const { fail } of this.#waiting.splice(0)) fail(new Error("The slot ring is closed."));
  }
}
