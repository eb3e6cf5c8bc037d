/** A file that grows beside its final name, on to the disk as it grows. */
import { createHash, type Hash } from "node:crypto";
import { type FileHandle, open, rm } from "node:fs/promises";
import type { FileFacts } from "../files.js";

/** It is flushed each time it has grown by this much: a flush of everything at the end could take longer than an interrupt may. */
const FLUSH_BYTES = 16 << 20;

export class DraftFile {
  readonly #path: string;
  readonly #file: FileHandle;
  readonly #hash: Hash = createHash("sha256");
  #bytes = 0;
  #flushed = 0;

  private constructor(path: string, file: FileHandle) {
    this.#path = path;
    this.#file = file;
  }

  static async create(path: string): Promise<DraftFile> {
    return new DraftFile(path, await open(path, "w"));
  }

  async write(block: Uint8Array): Promise<void> {
    await writeAll(this.#file, block);
    this.#hash.update(block);
    this.#bytes += block.length;
    if (this.#bytes - this.#flushed < FLUSH_BYTES) return;
    await this.#file.datasync();
    this.#flushed = this.#bytes;
  }

  /** Brings everything to the disk. One of this and `abandon` is called at the end. */
  async finish(): Promise<FileFacts> {
    await this.#file.sync();
    await this.#file.close();
    return { bytes: this.#bytes, sha256: this.#hash.digest("hex") };
  }

  /** Removes the file. */
  async abandon(): Promise<void> {
    await this.#file.close().catch(() => {});
    await rm(this.#path, { force: true });
  }
}

/** `FileHandle.write` may take less than it is given, as the last space of a disk does; this goes on until all is written or it fails. */
export async function writeAll(file: FileHandle, block: Uint8Array | string): Promise<void> {
  await file.writeFile(block);
}
