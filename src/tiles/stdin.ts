/** Standard input as a tile source: paths, one per line, or a tar archive. */
import { createHash } from "node:crypto";
import { open } from "node:fs/promises";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { CanopyError, InputError, InterruptedError } from "../errors.js";
import { Draft } from "../files/draft.js";
import { exists, hashFile } from "../files/facts.js";
import { flush } from "../files/flush.js";
import { ensureFolder } from "../files/output.js";
import { explainWriteError, WriteError } from "../files/write-error.js";
import { compressionOf } from "./packed.js";
import { headerIn } from "./tar-header.js";

export interface SpooledInput {
  kind: "archive" | "list";
  path: string;
  /** What messages call a list. */
  shown: string;
  sha256: string;
}

interface SpoolOptions {
  signal?: AbortSignal | undefined;
  /** Called now and then with the bytes copied so far. */
  onBytes?: ((bytes: number) => void) | undefined;
  /** What to do if the disk cannot hold the copy: the end of a sentence. */
  remedy: string;
}

const SHOWN = "Standard input";
/** Bytes that show what it is. */
const HEAD = 512;

/**
 * Copies `input` to `folder` (which is made if it is missing), so that it can be read twice and by several threads. The
 * first block shows whether it is an archive or a list of paths. The copy takes the archive's size on disk; the caller
 * removes it. An existing copy of an archive in `folder` is written over in place; it is used as the input if that is
 * empty. Throws InterruptedError on abort, also while the input is silent, an InputError for anything but a tar or a
 * list, CanopyError if the disk is full.
 */
export async function spoolInput(input: Readable, folder: string, options: SpoolOptions): Promise<SpooledInput> {
  const { signal } = options;
  await ensureFolder(folder);
  const archive = join(folder, "stdin.tar");
  const kept = await exists(archive);
  const counted = new CountedInput(options.onBytes);
  const take = kept ? await overwriting(archive) : await drafting(folder);
  try {
    await pipeline(input, (blocks) => counted.pass(blocks), take.write, ...(signal ? [{ signal }] : []));
    if (kept && counted.bytes === 0) {
      await take.giveUp();
      return { kind: "archive", path: archive, shown: SHOWN, sha256: (await hashFile(archive, signal)).sha256 };
    }
    const path = await take.end(counted);
    return { kind: path === archive ? "archive" : "list", path, shown: SHOWN, sha256: counted.hash.digest("hex") };
  } catch (error) {
    await take.giveUp();
    throw explain(error, folder, kept, options);
  }
}

/** Where the input is copied to. */
interface Copy {
  write(blocks: AsyncIterable<Buffer>): Promise<void>;
  /** Flushes the copy to the disk; returns its path. */
  end(counted: CountedInput): Promise<string>;
  giveUp(): Promise<void>;
}

async function drafting(folder: string): Promise<Copy> {
  const draft = await Draft.create(join(folder, "stdin"));
  return {
    write: async (blocks) => {
      for await (const block of blocks) await draft.write(block);
    },
    end: async ({ head }) => {
      const path = join(folder, beginsTar(head) ? "stdin.tar" : "stdin.txt");
      await draft.publish(path);
      return path;
    },
    giveUp: () => draft.abandon(),
  };
}

/**
 * In place: the disk may not hold two copies, and writing the same archive again changes nothing, even if it is
 * interrupted.
 */
async function overwriting(archive: string): Promise<Copy> {
  const file = await open(archive, "r+");
  return {
    write: async (blocks) => {
      for await (const block of blocks) await file.writeFile(block);
    },
    end: async ({ bytes }) => {
      await file.truncate(bytes);
      await flush(file);
      await file.close();
      return archive;
    },
    giveUp: () => file.close().catch(() => {}),
  };
}

/** Bytes on their way to the copy. */
class CountedInput {
  readonly hash = createHash("sha256");
  head = Buffer.alloc(0);
  bytes = 0;
  readonly #onBytes: SpoolOptions["onBytes"];

  constructor(onBytes: SpoolOptions["onBytes"]) {
    this.#onBytes = onBytes;
  }

  async *pass(blocks: AsyncIterable<Buffer | string>): AsyncGenerator<Buffer> {
    for await (const piece of blocks) {
      const block = typeof piece === "string" ? Buffer.from(piece) : piece;
      if (this.head.length < HEAD) {
        this.head = Buffer.concat([this.head, block.subarray(0, HEAD - this.head.length)]);
        if (this.head.length === HEAD) refuseOther(this.head);
      }
      this.hash.update(block);
      this.bytes += block.length;
      this.#onBytes?.(this.bytes);
      yield block;
    }
    if (this.head.length < HEAD) refuseOther(this.head);
  }
}

/** Now, not after all of it has been copied. */
function refuseOther(head: Buffer): void {
  const tool = compressionOf(head);
  if (tool !== undefined) {
    throw new InputError(
      `Standard input is compressed with ${tool}: pipe in what \`${tool} -dc\` makes of it (${tool} -dc FILE | canopy ... -).`,
    );
  }
  if (head.toString("latin1", 0, 2) === "PK") {
    throw new InputError(
      "Standard input is a zip archive, whose directory is at its end: save it to a .zip, and name that.",
    );
  }
  // A path holds no zero byte.
  if (!beginsTar(head) && head.includes(0)) {
    throw new InputError(
      "Standard input is neither a tar archive nor a list of paths: its first block is no tar header.",
    );
  }
}

/** An empty archive begins with its end mark. */
function beginsTar(head: Buffer): boolean {
  return headerIn(head) !== undefined || (head.length === HEAD && head.every((byte) => byte === 0));
}

function explain(error: unknown, folder: string, kept: boolean, { signal, remedy }: SpoolOptions): unknown {
  if (signal?.aborted) {
    return kept
      ? new InterruptedError()
      : new InterruptedError("Interrupted while standard input was read; nothing was begun.");
  }
  const explained = explainWriteError(error, folder);
  if (!(explained instanceof WriteError) || explained.code !== "DISK_FULL") return explained;
  return new CanopyError(
    "DISK_FULL",
    `The disk is full, or its quota is: an archive on standard input is copied to ${folder} first, which takes as much disk as the archive has. Make room, ${remedy}, or store the archive and name it as INPUT, which copies nothing.`,
    { cause: error },
  );
}
