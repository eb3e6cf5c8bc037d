/** Generated tiles in numbered tar archives. */
import { join } from "node:path";
import tar from "tar-stream";
import { writePieces } from "../files/write.js";

interface ArchiveMember {
  name: string;
  bytes: Uint8Array;
}

/** Name of archive `number`, counted from 0. */
export function archiveName(number: number): string {
  return `tiles-${String(number).padStart(5, "0")}.tar`;
}

/** An archive being written; the caller adds members in order and closes it. */
export class ArchiveWriter {
  readonly #pack = tar.pack();
  readonly #written: Promise<unknown>;

  constructor(folder: string, number: number) {
    this.#written = writePieces(join(folder, archiveName(number)), this.#pack as AsyncIterable<Buffer>);
    this.#written.catch(() => this.#pack.destroy());
  }

  /** Resolves when there is room for the next member. Members carry no time and no owner, so equal tiles make equal archives. */
  async add({ name, bytes }: ArchiveMember): Promise<void> {
    const header = { name, size: bytes.length, mtime: new Date(0), mode: 0o644 };
    try {
      await Promise.race([this.#append(header, bytes), this.#written]);
    } catch (error) {
      // Where the file could not be written, the member only says that it was destroyed.
      this.#pack.destroy(error as Error);
      await this.#written;
    }
  }

  #append(header: Partial<tar.Header> & { name: string }, bytes: Uint8Array): Promise<void> {
    const content = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    return new Promise((resolve, reject) => {
      this.#pack.entry(header, content, (error) => (error ? reject(error) : resolve()));
    });
  }

  async close(): Promise<void> {
    this.#pack.finalize();
    await this.#written;
  }

  /** Removes the unfinished archive. Does nothing after `close`. */
  async abandon(): Promise<void> {
    this.#pack.destroy(new Error("The archive was given up."));
    await this.#written.catch(() => undefined);
  }
}
