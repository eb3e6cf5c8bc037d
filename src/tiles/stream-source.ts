/** A stream of bytes that is read by places: forward it goes on, backward it begins anew. */
import type { ByteSource } from "./byte-source.js";

/** So many bytes before the furthest one stay in memory: small steps back are free. */
const KEPT = 4 << 20;

export class StreamSource implements ByteSource {
  readonly #begin: () => AsyncGenerator<Buffer>;
  readonly #end: () => Promise<void>;
  #blocks: AsyncGenerator<Buffer> | undefined;
  #kept: Buffer[] = [];
  /** Places of the first byte that is kept, and behind the last. */
  #first = 0;
  #reached = 0;
  /** Why the stream ended too early. */
  #failure: unknown;

  /** `begin` gives the bytes from the first one; `end` is called by `close`. */
  constructor(begin: () => AsyncGenerator<Buffer>, end: () => Promise<void>) {
    this.#begin = begin;
    this.#end = end;
  }

  /** Whether reading at `position` would begin anew. */
  isBehind(position: number): boolean {
    return position < this.#first;
  }

  async read(target: Uint8Array, position: number): Promise<number> {
    if (this.isBehind(position)) await this.#rewind();
    let done = 0;
    try {
      while (done < target.length && (await this.extent(position + done + 1)) > position + done) {
        done += this.#copy(target.subarray(done), position + done);
      }
    } catch (error) {
      // What came before is whole.
      if (done === 0) throw error;
    }
    return done;
  }

  async extent(bytes: number): Promise<number> {
    while (this.#reached < bytes && (await this.#take())) {
      while (this.#reached - this.#first - this.#kept[0].length > KEPT) this.#first += this.#kept.shift()?.length ?? 0;
    }
    return Math.min(bytes, this.#reached);
  }

  async close(): Promise<void> {
    await this.#rewind();
    await this.#end();
  }

  async #take(): Promise<boolean> {
    if (this.#failure !== undefined) throw this.#failure;
    this.#blocks ??= this.#begin();
    try {
      const next = await this.#blocks.next();
      if (next.done) return false;
      this.#kept.push(next.value);
      this.#reached += next.value.length;
      return true;
    } catch (error) {
      this.#failure = error;
      throw error;
    }
  }

  /** Copies what one block has from `position`, which is kept. */
  #copy(target: Uint8Array, position: number): number {
    let start = this.#first;
    for (const block of this.#kept) {
      if (position < start + block.length) return block.copy(target, 0, position - start);
      start += block.length;
    }
    return 0;
  }

  async #rewind(): Promise<void> {
    await this.#blocks?.return(undefined);
    this.#blocks = undefined;
    this.#kept = [];
    this.#first = 0;
    this.#reached = 0;
    this.#failure = undefined;
  }
}
