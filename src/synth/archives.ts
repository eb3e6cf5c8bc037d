/** Generated tiles in numbered tar archives, each written beside its final name and renamed when it is whole. */
import { createWriteStream } from "node:fs";
import { rename } from "node:fs/promises";
import { join } from "node:path";
import { finished } from "node:stream/promises";
import tar from "tar-stream";

export interface ArchiveMember {
  name: string;
  bytes: Uint8Array;
}

/** Name of archive `number`, counted from 0. */
export function archiveName(number: number): string {
  return `tiles-${String(number).padStart(5, "0")}.tar`;
}

/** An archive being written; the caller adds members in order and closes it. */
export class ArchiveWriter {
  readonly #path: string;
  readonly #pack = tar.pack();
  readonly #written: Promise<void>;

  constructor(folder: string, number: number) {
    this.#path = join(folder, archiveName(number));
    this.#written = finished(this.#pack.pipe(createWriteStream(`${this.#path}.part`)));
    this.#written.catch(() => this.#pack.destroy());
  }

  /** Resolves when there is room for the next member. Members carry no time and no owner, so equal tiles make equal archives. */
  async add({ name, bytes }: ArchiveMember): Promise<void> {
    const header = { name, size: bytes.length, mtime: new Date(0), mode: 0o644 };
    await Promise.race([
      new Promise<void>((resolve, reject) => {
        this.#pack.entry(header, Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length), (error) =>
          error ? reject(error) : resolve(),
        );
      }),
      this.#written,
    ]);
  }

  async close(): Promise<void> {
    this.#pack.finalize();
    await this.#written;
    await rename(`${this.#path}.part`, this.#path);
  }

  /** Gives up; the unfinished file stays under its `.part` name and is written anew next time. */
  async abandon(): Promise<void> {
    this.#pack.destroy();
    await this.#written.catch(() => undefined);
  }
}
