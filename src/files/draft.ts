/** A file that grows beside its final name, on to the disk as it grows. */
import { createHash, type Hash } from "node:crypto";
import { type FileHandle, open, rename, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { type FileFacts, readBlocks } from "./facts.js";
import { flush, flushData } from "./flush.js";
import { syncFolder } from "./folder.js";
import { clearDrafts, draftPath, resumablePath } from "./temporary.js";
import { explainWriteError } from "./write-error.js";

/**
 * It is flushed each time it has grown by this much: flushing everything at the end could delay an interrupt for too
 * long.
 */
const FLUSH_BYTES = 16 << 20;

/** Ends with `publish`, `abandon` or `keep`. A failed write is a WriteError that names the final path. */
export class Draft {
  readonly #path: string;
  readonly #draft: string;
  readonly #file: FileHandle;
  #hash: Hash = createHash("sha256");
  #bytes = 0;
  #flushed = 0;
  #facts: FileFacts | undefined;

  private constructor(path: string, draft: string, file: FileHandle) {
    this.#path = path;
    this.#draft = draft;
    this.#file = file;
  }

  static async create(path: string): Promise<Draft> {
    await clearDrafts(dirname(path));
    const draft = draftPath(path);
    return new Draft(path, draft, await openDraft(draft, path).catch(explain(path)));
  }

  /** Goes on with the draft of `path` that an earlier process has kept; begins one if there is none. */
  static async resume(path: string): Promise<Draft> {
    const name = resumablePath(path);
    const draft = new Draft(path, name, await open(name, "a").catch(explain(path)));
    try {
      for await (const block of readBlocks(name)) draft.#count(block);
    } catch (error) {
      await draft.#file.close();
      throw error;
    }
    return draft;
  }

  /** Bytes so far. */
  get byteLength(): number {
    return this.#bytes;
  }

  async write(content: string | Uint8Array): Promise<void> {
    const block = typeof content === "string" ? Buffer.from(content) : content;
    // Unlike `write`, `writeFile` goes on until all is written: on a nearly full disk a write may take fewer bytes than
    // given.
    await this.#file.writeFile(block).catch(explain(this.#path));
    this.#count(block);
    if (this.#bytes - this.#flushed < FLUSH_BYTES) return;
    await flushData(this.#file).catch(explain(this.#path));
    this.#flushed = this.#bytes;
  }

  /** Removes what was written so far. */
  async restart(): Promise<void> {
    await this.#file.truncate(0).catch(explain(this.#path));
    this.#hash = createHash("sha256");
    this.#bytes = 0;
    this.#flushed = 0;
  }

  /** Flushes everything to the disk, still under the draft's name. */
  async finish(): Promise<FileFacts> {
    if (this.#facts === undefined) {
      await flush(this.#file).catch(explain(this.#path));
      await this.#file.close().catch(explain(this.#path));
      this.#facts = { bytes: this.#bytes, sha256: this.#hash.digest("hex") };
    }
    return this.#facts;
  }

  /**
   * Puts the file in its place and flushes the folder; `path` is another place in the same folder, for content whose
   * name is known only late.
   */
  async publish(path = this.#path): Promise<FileFacts> {
    const facts = await this.finish();
    await rename(this.#draft, path).catch(explain(path));
    await syncFolder(dirname(path));
    return facts;
  }

  /** Keeps the draft for a later `resume`. */
  async keep(): Promise<void> {
    if (this.#bytes === 0) return this.abandon();
    await this.finish();
  }

  /** Removes the draft; does nothing after `publish`. */
  async abandon(): Promise<void> {
    await this.#file.close().catch(() => {});
    await rm(this.#draft, { force: true });
  }

  #count(block: Uint8Array): void {
    this.#hash.update(block);
    this.#bytes += block.length;
  }
}

/** Opens the file that will take the place of `path`, with the same read permissions. */
export async function openDraft(draft: string, path: string): Promise<FileHandle> {
  const file = await open(draft, "wx");
  const old = await stat(path).catch(() => undefined);
  try {
    if (old !== undefined) await file.chmod(old.mode & 0o777);
  } catch (error) {
    await file.close();
    await rm(draft, { force: true });
    throw error;
  }
  return file;
}

function explain(path: string): (error: unknown) => never {
  return (error) => {
    throw explainWriteError(error, path);
  };
}
