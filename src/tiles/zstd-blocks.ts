/** Cuts a zstd file (RFC 8878) into headers and blocks: each unpacks to 128 KiB at most, and no frame asks for too much memory. */

const MAGIC = 0xfd2fb528;
const MAGIC_BYTES = 4;
const CHECKSUM_FLAG = 4;
const SKIPPABLE = 0x184d2a50;
/** What zstd itself takes unless it is told otherwise. */
const MOST_WINDOW = 128 << 20;
const MOST_BLOCK = 128 << 10;
const RAW_LENGTHS = [0, 1, 2, 4];

/** A part of a frame: its header, a block, or its end, which holds a checksum or nothing. */
export interface ZstdPart {
  kind: "header" | "block" | "end";
  bytes: Buffer;
}

/** Yields the parts of all frames, in order, each whole. Throws an Error where they are none. */
export async function* zstdParts(bytes: AsyncIterable<Buffer>): AsyncGenerator<ZstdPart> {
  const input = new Pieces(bytes);
  while (await input.hasMore()) {
    const magic = await input.take(MAGIC_BYTES);
    const kind = magic.readUInt32LE();
    if ((kind & 0xfffffff0) >>> 0 === SKIPPABLE) await input.skip((await input.take(4)).readUInt32LE());
    else if (kind === MAGIC) yield* partsOfFrame(input, magic);
    else throw new Error("a frame does not begin as one");
  }
}

/** Whether a checksum ends the frame of `header`. */
export function hasChecksum(header: Buffer): boolean {
  return (header[MAGIC_BYTES] & CHECKSUM_FLAG) !== 0;
}

async function* partsOfFrame(input: Pieces, magic: Buffer): AsyncGenerator<ZstdPart> {
  const descriptor = await input.take(1);
  const [flags] = descriptor;
  const isSingle = (flags & 32) !== 0;
  const sizeBytes = flags >> 6 === 0 ? Number(isSingle) : 1 << (flags >> 6);
  const rest = await input.take((isSingle ? 0 : 1) + RAW_LENGTHS[flags & 3] + sizeBytes);
  const window = isSingle ? contentSize(rest.subarray(-sizeBytes)) : windowSize(rest[0]);
  if (window > MOST_WINDOW)
    throw new Error(`a window of ${window / 2 ** 20} MiB; canopy takes ${MOST_WINDOW / 2 ** 20} MiB`);
  yield { kind: "header", bytes: Buffer.concat([magic, descriptor, rest]) };
  for (let last = false; !last; ) {
    const header = await input.take(3);
    const value = header.readUIntLE(0, 3);
    const [type, length] = [(value >> 1) & 3, value >> 3];
    if (type === 3 || length > MOST_BLOCK) throw new Error("a block is none");
    last = (value & 1) === 1;
    // A run of equal bytes is stored as one.
    yield { kind: "block", bytes: Buffer.concat([header, await input.take(type === 1 ? 1 : length)]) };
  }
  yield { kind: "end", bytes: await input.take(flags & CHECKSUM_FLAG ? 4 : 0) };
}

/** RFC 8878, 3.1.1.1.2 */
function windowSize(byte: number): number {
  const base = 2 ** (10 + (byte >> 3));
  return base + (base / 8) * (byte & 7);
}

function contentSize(field: Buffer): number {
  if (field.length === 8) return Number(field.readBigUInt64LE());
  return field.readUIntLE(0, field.length) + (field.length === 2 ? 256 : 0);
}

/** A stream in pieces of the lengths that are asked for. */
class Pieces {
  readonly #blocks: AsyncIterator<Buffer>;
  #rest: Buffer = Buffer.alloc(0);

  constructor(blocks: AsyncIterable<Buffer>) {
    this.#blocks = blocks[Symbol.asyncIterator]();
  }

  async hasMore(): Promise<boolean> {
    while (this.#rest.length === 0) {
      const next = await this.#blocks.next();
      if (next.done) return false;
      this.#rest = next.value;
    }
    return true;
  }

  async take(length: number): Promise<Buffer> {
    const parts: Buffer[] = [];
    for (let left = length; left > 0; ) {
      if (!(await this.hasMore())) throw new Error("unexpected end");
      const part = this.#rest.subarray(0, left);
      this.#rest = this.#rest.subarray(part.length);
      parts.push(part);
      left -= part.length;
    }
    return Buffer.concat(parts);
  }

  async skip(length: number): Promise<void> {
    for (let left = length; left > 0; ) left -= (await this.take(Math.min(left, 1 << 16))).length;
  }
}
