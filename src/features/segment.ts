/**
 * One file of the feature store: a header, then blocks of rows, only ever appended to (layout in docs/formats.md). Of a
 * file that ends in the middle of a block, or is damaged, the whole blocks before that are used. Every row has its own
 * checksum.
 */
import { closeSync, fstatSync, ftruncateSync, openSync, readSync, writevSync } from "node:fs";
import { crc32 } from "node:zlib";

/** Bytes of a row's key: 15 of a hash, then the number of the variant. */
export const KEY_BYTES = 16;
const HEADER_BYTES = 64;
const BLOCK_HEADER_BYTES = 32;
/** A row's entry in the block's table: its key, then the CRC-32 of its features. */
const ENTRY_BYTES = KEY_BYTES + 4;
const MAGIC = "CANOPYFS";
const BLOCK_MAGIC = 0x4b4c4243;
const VERSION = 1;

/** Rows that lie one after the other in a segment. */
export interface Block {
  rows: number;
  /** `[rows, 20]` bytes: key and checksum of each row. */
  table: Uint8Array;
  /** Where the first row's features start in the file. */
  dataOffset: number;
}

/** A segment being written, by this process alone. */
export class SegmentWriter {
  readonly #file: number;
  readonly #numFeatures: number;
  #end: number;

  /** Creates the file; fails if it exists. */
  constructor(path: string, identity: Uint8Array, numFeatures: number) {
    this.#file = openSync(path, "wx");
    this.#numFeatures = numFeatures;
    this.#end = HEADER_BYTES;
    writeFully(this.#file, [makeHeader(identity, numFeatures)], 0);
  }

  /** Length of the file. */
  get byteLength(): number {
    return this.#end;
  }

  /** Appends rows as one block; on failure the file is as before. @returns the block as a reader finds it */
  append(keys: Uint8Array, features: Float32Array): Block {
    const rows = keys.length / KEY_BYTES;
    const table = makeTable(keys, features, this.#numFeatures);
    const start = this.#end;
    try {
      const data = new Uint8Array(features.buffer, features.byteOffset, features.byteLength);
      writeFully(this.#file, [makeBlockHeader(rows, table), table, data], start);
    } catch (error) {
      ftruncateSync(this.#file, start);
      throw error;
    }
    const dataOffset = start + BLOCK_HEADER_BYTES + table.length;
    this.#end = dataOffset + features.byteLength;
    return { rows, table, dataOffset };
  }

  close(): void {
    closeSync(this.#file);
  }
}

/** The whole blocks of an open segment; none if it is another kind of file, or has another identity or width. */
export function readBlocks(file: number, identity: Uint8Array, numFeatures: number): Block[] {
  const blocks: Block[] = [];
  const { size } = fstatSync(file);
  const header = readAt(file, 0, HEADER_BYTES);
  if (header === undefined || !makeHeader(identity, numFeatures).equals(header)) return blocks;
  for (let at = HEADER_BYTES; ; ) {
    const head = readAt(file, at, BLOCK_HEADER_BYTES);
    if (
      head === undefined ||
      head.readUInt32LE(0) !== BLOCK_MAGIC ||
      crc32(head.subarray(0, 12)) !== head.readUInt32LE(12)
    ) {
      return blocks;
    }
    const rows = head.readUInt32LE(4);
    const dataOffset = at + BLOCK_HEADER_BYTES + rows * ENTRY_BYTES;
    at = dataOffset + rows * numFeatures * 4;
    const table = at <= size ? readAt(file, dataOffset - rows * ENTRY_BYTES, rows * ENTRY_BYTES) : undefined;
    if (table === undefined || crc32(table) !== head.readUInt32LE(8)) return blocks;
    blocks.push({ rows, table, dataOffset });
  }
}

/** Bytes of row `i`'s key in a block's table. */
export function keyOf(table: Uint8Array, i: number): Uint8Array {
  return table.subarray(i * ENTRY_BYTES, i * ENTRY_BYTES + KEY_BYTES);
}

/** True if `features` (a row's bytes) are what was written. */
export function isIntact(table: Uint8Array, i: number, features: Uint8Array): boolean {
  const at = i * ENTRY_BYTES + KEY_BYTES;
  const stored = table[at] + table[at + 1] * 2 ** 8 + table[at + 2] * 2 ** 16 + table[at + 3] * 2 ** 24;
  return crc32(features) === stored;
}

function makeHeader(identity: Uint8Array, numFeatures: number): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  header.write(MAGIC, "latin1");
  header.writeUInt32LE(VERSION, 8);
  header.writeUInt32LE(numFeatures, 12);
  header.set(identity.subarray(0, 32), 16);
  return header;
}

function makeBlockHeader(rows: number, table: Uint8Array): Buffer {
  const head = Buffer.alloc(BLOCK_HEADER_BYTES);
  head.writeUInt32LE(BLOCK_MAGIC, 0);
  head.writeUInt32LE(rows, 4);
  head.writeUInt32LE(crc32(table), 8);
  head.writeUInt32LE(crc32(head.subarray(0, 12)), 12);
  return head;
}

function makeTable(keys: Uint8Array, features: Float32Array, numFeatures: number): Uint8Array {
  const rows = keys.length / KEY_BYTES;
  const table = Buffer.alloc(rows * ENTRY_BYTES);
  const rowBytes = numFeatures * 4;
  for (let i = 0; i < rows; i++) {
    table.set(keys.subarray(i * KEY_BYTES, (i + 1) * KEY_BYTES), i * ENTRY_BYTES);
    const row = new Uint8Array(features.buffer, features.byteOffset + i * rowBytes, rowBytes);
    table.writeUInt32LE(crc32(row), i * ENTRY_BYTES + KEY_BYTES);
  }
  return table;
}

function readAt(file: number, position: number, byteLength: number): Buffer | undefined {
  const bytes = Buffer.alloc(byteLength);
  return readSync(file, bytes, 0, byteLength, position) === byteLength ? bytes : undefined;
}

/** Writes all of `parts`: the system may write fewer bytes than asked. */
function writeFully(file: number, parts: Uint8Array[], position: number): void {
  const bytes = parts.reduce((sum, part) => sum + part.length, 0);
  const written = writevSync(file, parts, position);
  if (written === bytes) return;
  const rest = Buffer.concat(parts).subarray(written);
  if (written === 0) throw Object.assign(new Error("nothing could be written"), { code: "ENOSPC" });
  writeFully(file, [rest], position + written);
}
