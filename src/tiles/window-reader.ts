/** Small pieces of a source, read through a window: adjacent ones take one system call. */
import type { ByteSource } from "./byte-source.js";

/** Bytes read at a time: several small members of an archive, or one header of a large one. */
const WINDOW = 1 << 16;

export class WindowReader {
  readonly #source: ByteSource;
  readonly #buffer = Buffer.allocUnsafe(WINDOW);
  #start = 0;
  #length = 0;

  constructor(source: ByteSource) {
    this.#source = source;
  }

  /** Up to `byteLength` bytes from `position`; fewer only at the end of the source. Valid until the next read. */
  async read(position: number, byteLength: number): Promise<Buffer> {
    if (byteLength > WINDOW) {
      const bytes = Buffer.allocUnsafe(byteLength);
      return bytes.subarray(0, await this.#source.read(bytes, position));
    }
    if (position < this.#start || position + byteLength > this.#start + this.#length) {
      this.#start = position;
      this.#length = await this.#source.read(this.#buffer, position);
    }
    const from = position - this.#start;
    return this.#buffer.subarray(from, Math.min(from + byteLength, this.#length));
  }

  /** Whether the source has at least `bytes` bytes. */
  async has(bytes: number): Promise<boolean> {
    return (await this.#source.extent(bytes)) === bytes;
  }

  /** The size of the source, which is read to its end if that is not known. */
  size(): Promise<number> {
    return this.#source.extent(Number.POSITIVE_INFINITY);
  }
}
