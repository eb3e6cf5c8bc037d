/** The bytes of a file compressed with gzip or zstd, as a stream in bounded memory. */
import { createGunzip, type Gunzip } from "node:zlib";
import { InterruptedError } from "../errors.js";
import type { ByteSource } from "./byte-source.js";
import { compressionOf } from "./packed.js";
import { Xxh64 } from "./xxh64.js";
import { hasChecksum, zstdParts } from "./zstd-blocks.js";

/** Compressed bytes that are unpacked at a time: gzip makes at most a thousand times as many of them. */
const PIECE = 16 << 10;
/** From this size on, no file may be unpacked to more than so many times its bytes. */
const FREE_BYTES = 1 << 30;
const MOST_RATIO = 200;

/** Compressed data that cannot be unpacked, or not further. Its message has no subject. */
export class CompressionError extends Error {
  override readonly name = "CompressionError";
}

type Blocks = AsyncGenerator<Buffer>;

/**
 * Yields what `file` holds, from its start. Throws a CompressionError where its data are damaged, after all before it,
 * or unpack to far too much; InterruptedError on abort.
 */
export async function* unpackedBlocks(file: ByteSource, signal?: AbortSignal): Blocks {
  const first = Buffer.alloc(6);
  const head = first.subarray(0, await file.read(first, 0));
  const tool = compressionOf(head);
  const unpack = tool === undefined ? undefined : UNPACKERS[tool];
  if (unpack === undefined) throw new CompressionError(otherThan(tool, head));
  const packed = new Counted(piecesOf(file));
  let bytes = 0;
  for await (const block of unpack(packed)) {
    if (signal?.aborted) throw new InterruptedError();
    bytes += block.length;
    if (bytes > FREE_BYTES && bytes > packed.bytes * MOST_RATIO) throw new CompressionError(tooMuch(packed.bytes));
    yield block;
  }
}

const UNPACKERS: Partial<Record<string, (packed: AsyncIterable<Buffer>) => Blocks>> = { gzip: gunzip, zstd: unzstd };

function otherThan(tool: string | undefined, head: Buffer): string {
  if (tool !== undefined) return `it is compressed with ${tool}: unpack it, or compress it with gzip or zstd`;
  if (head.length === 0) return "it is empty";
  if (head.every((byte) => byte === 0)) return "it begins with zeros: its copy may have been cut short";
  return "it is compressed neither with gzip nor with zstd: call it .tar if it is a plain archive";
}

function tooMuch(packed: number): string {
  return `its first ${packed} bytes unpack to more than ${MOST_RATIO} times as many, which no pictures do: unpack it yourself if you trust it`;
}

async function* piecesOf(file: ByteSource): Blocks {
  for (let position = 0; ; ) {
    const piece = Buffer.allocUnsafe(PIECE);
    const count = await file.read(piece, position);
    if (count > 0) yield piece.subarray(0, count);
    if (count < PIECE) return;
    position += count;
  }
}

/** Counts what passes. */
class Counted {
  bytes = 0;
  readonly #pieces: AsyncIterable<Buffer>;

  constructor(pieces: AsyncIterable<Buffer>) {
    this.#pieces = pieces;
  }

  async *[Symbol.asyncIterator](): Blocks {
    for await (const piece of this.#pieces) {
      this.bytes += piece.length;
      yield piece;
    }
  }
}

/** Data events instead of iteration: after an error, an iterator would drop what it has not given yet. */
async function* gunzip(packed: AsyncIterable<Buffer>): Blocks {
  const inflater = createGunzip({ chunkSize: 1 << 16 });
  const ready: Buffer[] = [];
  let failure: Error | undefined;
  inflater.on("data", (block) => ready.push(block)).on("error", (error) => (failure = error));
  try {
    for await (const piece of packed) {
      await done(inflater, (resolve) => void inflater.write(piece, resolve));
      yield* ready.splice(0);
      if (failure !== undefined) throw damaged("gzip", failure);
      // Zeros after the last member end it: some tools fill up the last block of a disk or a tape.
      if (inflater.readableEnded) return;
    }
    await done(inflater, () => void inflater.end());
    yield* ready.splice(0);
    if (failure !== undefined) throw damaged("gzip", failure);
  } finally {
    inflater.destroy();
  }
}

/** What `act` begins, or the end or an error of the inflater, which calls nothing else back. */
function done(inflater: Gunzip, act: (resolve: () => void) => void): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      inflater.off("error", end).off("end", end);
      resolve();
    };
    inflater.on("error", end).on("end", end);
    act(end);
  });
}

async function* unzstd(packed: AsyncIterable<Buffer>): Blocks {
  const { Decompress } = await import("fzstd");
  const ready: Buffer[] = [];
  const start = () => new Decompress((block) => ready.push(Buffer.from(block.buffer, block.byteOffset, block.length)));
  let [unpacker, sum, isSummed] = [start(), new Xxh64(), false];
  try {
    for await (const { kind, bytes } of zstdParts(packed)) {
      if (kind === "header") [unpacker, sum, isSummed] = [start(), new Xxh64(), hasChecksum(bytes)];
      unpacker.push(bytes);
      // It keeps back a frame of a few bytes until it is told that there are no more.
      if (kind === "end") unpacker.push(new Uint8Array(), true);
      if (isSummed) for (const block of ready) sum.update(block);
      if (kind === "end" && bytes.length > 0) checkSum(sum, bytes.readUInt32LE());
      yield* ready.splice(0);
    }
  } catch (error) {
    if (isOfSystem(error)) throw error;
    yield* ready.splice(0);
    throw damaged("zstd", error as Error);
  }
}

function checkSum(sum: Xxh64, expected: number): void {
  if (Number(BigInt.asUintN(32, sum.digest())) !== expected) throw new Error("their checksum is that of other data");
}

function isOfSystem(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).syscall !== undefined;
}

function damaged(tool: string, { message }: Error): CompressionError {
  const reason = /unexpected end|unexpected EOF/i.test(message) ? "they end too early" : message;
  return new CompressionError(`its ${tool} data are damaged or cut off (${reason}), and nothing behind can be read`);
}
