/** Small pieces of a file, read through a window: adjacent ones take one system call. */
import type { FileHandle } from "node:fs/promises";

/** Bytes read at a time: several small members of an archive, or one header of a large one. */
const WINDOW = 1 << 16;

export class WindowReader {
  readonly #file: FileHandle;
  readonly #buffer = Buffer.allocUnsafe(WINDOW);
  #start = 0;
  #length = 0;

  constructor(file: FileHandle) {
    this.#file = file;
  }

  /** Up to `byteLength` bytes from `position`; fewer only at the end of the file. Valid until the next read. */
  async read(position: number, byteLength: number): Promise<Buffer> {
    if (byteLength > WINDOW) {
      const { buffer, bytesRead } = await this.#file.read(Buffer.allocUnsafe(byteLength), 0, byteLength, position);
      return buffer.subarray(0, bytesRead);
    }
    if (position < this.#start || position + byteLength > this.#start + this.#length) {
      this.#start = position;
      this.#length = (await this.#file.read(this.#buffer, 0, WINDOW, position)).bytesRead;
    }
    const from = position - this.#start;
    return this.#buffer.subarray(from, Math.min(from + byteLength, this.#length));
  }
}
