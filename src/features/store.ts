/**
 * FeatureStore: features on disk, so that a tile is decoded and run through a backbone only once. There is one folder
 * per identity (all that features depend on beside the tile), with segment files of at most about a gigabyte, each
 * written by one process. Rows are found by tile and variant.
 */
import { hash, randomBytes } from "node:crypto";
import { closeSync, mkdirSync, openSync, readdirSync, readSync } from "node:fs";
import { join } from "node:path";
import { cacheFolder } from "../cache-folder.js";
import { READ_WITHOUT_WAITING } from "../files/open-regular.js";
import { writeWholeSync } from "../files/write.js";
import type { RunContext } from "../run-context.js";
import { RowIndex } from "./row-index.js";
import { type Block, isIntact, KEY_BYTES, keyOf, readBlocks, SegmentWriter } from "./segment.js";

/** Everything that the numbers depend on beside the tile. */
export interface FeatureIdentity {
  /** SHA-256 of the ONNX file that sessions run, in hex: it has all of the backbone's card and precision in it. */
  network: string;
  numFeatures: number;
  size: number;
  colorspace: string;
  antialias: boolean;
  /** Tiles with more are rejected, so none of them may come from the cache either. */
  maxPixels: number;
  /** The same for memory. @default no limit */
  maxBytes?: number;
  onTruncated: string;
  /** Bands of TIFFs that are used, and how they are scaled. @default as decoding does by itself */
  bands?: string;
  stretch?: string;
  /** `decoderVersion()`. */
  decoder: string;
  /** The provider that ran, and ONNX Runtime's version: they differ in the last bits. */
  runtime: string;
}

/** A block with its place among all rows. */
interface PlacedBlock extends Block {
  file: number;
  firstRow: number;
}

const EXTENSION = ".features";
/** Rows gathered before they are written: at most these are lost if the run is killed. */
const ROWS_PER_BLOCK = 128;
/** A segment of this size gets no more rows, so that the store can be moved or removed in pieces. */
const SEGMENT_BYTES = 2 ** 30;
/** Largest single read, in bytes. */
const READ_BYTES = 4 << 20;

export class FeatureStore {
  readonly numFeatures: number;
  readonly folder: string;
  readonly #identity: Buffer;
  readonly #onWarning: (message: string) => void;
  readonly #segmentBytes: number;
  readonly #index = new RowIndex();
  readonly #blocks: PlacedBlock[] = [];
  readonly #files: number[] = [];
  #writer: SegmentWriter | undefined;
  #writerFile = -1;
  #writable = true;
  #keys: Uint8Array[] = [];
  #features: Float32Array[] = [];

  /**
   * Opens the features of one identity, of all processes that wrote them. Foreign and damaged files are ignored.
   * @param root folder of all feature stores. @default `features` in the cache folder
   * @param segmentBytes length from which on a segment is full. @default 1 GiB
   */
  constructor(
    identity: FeatureIdentity,
    context: RunContext = {},
    root = join(cacheFolder(), "features"),
    segmentBytes = SEGMENT_BYTES,
  ) {
    this.#segmentBytes = segmentBytes;
    const canonical = JSON.stringify(identity, Object.keys(identity).sort());
    this.#identity = hash("sha256", canonical, "buffer");
    this.#onWarning = context.onWarning ?? (() => {});
    this.numFeatures = identity.numFeatures;
    this.folder = join(root, this.#identity.toString("hex", 0, 16));
    try {
      prepareFolder(this.folder, canonical);
      for (const name of readdirSync(this.folder).sort()) this.#load(name);
    } catch (error) {
      this.#giveUpWriting(error);
    }
  }

  /** Whether rows that are added are kept. */
  get isWritable(): boolean {
    return this.#writable;
  }

  /** Row of each `(tile, variant)`, or -1: `[tiles, variants]`. `keys` are those of tile-key.ts. */
  find(keys: Uint8Array, variants: readonly number[] = [0]): Int32Array {
    const tiles = keys.length / KEY_BYTES;
    const rows = new Int32Array(tiles * variants.length);
    for (let i = 0; i < tiles; i++) {
      const key = new Uint8Array(keys.subarray(i * KEY_BYTES, (i + 1) * KEY_BYTES));
      for (let v = 0; v < variants.length; v++) {
        key[KEY_BYTES - 1] = variants[v];
        rows[i * variants.length + v] = this.#index.find(key);
      }
    }
    return rows;
  }

  /**
   * Copies rows into `target` `[rows, numFeatures]`; places whose row is -1 are not touched.
   * @returns the positions in `rows` whose features on disk are damaged, and were not copied.
   */
  read(rows: Int32Array, target: Float32Array): number[] {
    this.flush();
    const order = sortedPositions(rows);
    const damaged: number[] = [];
    for (let from = 0; from < order.length; ) from = this.#readRun(rows, order, from, target, damaged);
    return damaged;
  }

  /** Adds one row per tile: `keys` `[tiles, 16]`, `features` `[tiles, numFeatures]`. They are on disk after `flush()` at the latest. */
  append(keys: Uint8Array, features: Float32Array, variant = 0): void {
    if (!this.#writable || keys.length === 0) return;
    const marked = new Uint8Array(keys); // slice() of a Buffer would be a view
    for (let at = KEY_BYTES - 1; at < marked.length; at += KEY_BYTES) marked[at] = variant;
    this.#keys.push(marked);
    this.#features.push(features.slice());
    const waiting = this.#keys.reduce((sum, part) => sum + part.length / KEY_BYTES, 0);
    if (waiting >= ROWS_PER_BLOCK) this.flush();
  }

  /**
   * Writes the gathered rows. If the disk is full or read-only, the run goes on without the cache, with one warning.
   */
  flush(): void {
    if (this.#keys.length === 0 || !this.#writable) return;
    const keys = Buffer.concat(this.#keys);
    const features = concatFloats(this.#features);
    this.#keys = [];
    this.#features = [];
    try {
      this.#writer ??= this.#startSegment();
      this.#place(this.#writer.append(keys, features), this.#writerFile);
      if (this.#writer.byteLength >= this.#segmentBytes) this.#endSegment();
    } catch (error) {
      this.#giveUpWriting(error);
    }
  }

  close(): void {
    this.flush();
    this.#endSegment();
    for (const file of this.#files.splice(0)) closeSync(file);
    this.#writable = false;
  }

  /** Reads rows that lie one after the other in one file with one call; returns the position after them. */
  #readRun(rows: Int32Array, order: Int32Array, from: number, target: Float32Array, damaged: number[]): number {
    const block = this.#blockOf(rows[order[from]]);
    const firstRow = rows[order[from]];
    const rowBytes = this.numFeatures * 4;
    let to = from + 1;
    const lastRow = Math.min(block.firstRow + block.rows, firstRow + Math.max(1, Math.floor(READ_BYTES / rowBytes)));
    while (to < order.length && rows[order[to]] < lastRow && rows[order[to]] - rows[order[to - 1]] <= 1) to++;
    const count = rows[order[to - 1]] - firstRow + 1;
    const bytes = Buffer.alloc(count * rowBytes);
    const position = block.dataOffset + (firstRow - block.firstRow) * rowBytes;
    const got = readSync(block.file, bytes, 0, bytes.length, position);
    for (let k = from; k < to; k++) {
      const i = rows[order[k]] - firstRow;
      const row = bytes.subarray(i * rowBytes, (i + 1) * rowBytes);
      if ((i + 1) * rowBytes > got || !isIntact(block.table, firstRow - block.firstRow + i, row))
        damaged.push(order[k]);
      else
        target.set(
          new Float32Array(bytes.buffer, bytes.byteOffset + i * rowBytes, this.numFeatures),
          order[k] * this.numFeatures,
        );
    }
    return to;
  }

  #blockOf(row: number): PlacedBlock {
    let low = 0;
    let high = this.#blocks.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.#blocks[middle].firstRow <= row) low = middle;
      else high = middle - 1;
    }
    return this.#blocks[low];
  }

  /** Adds the whole blocks of a segment; one that cannot be read (any more) is ignored. */
  #load(name: string): void {
    if (!name.endsWith(EXTENSION)) return;
    try {
      const file = openSync(join(this.folder, name), READ_WITHOUT_WAITING);
      this.#files.push(file);
      for (const block of readBlocks(file, this.#identity, this.numFeatures)) this.#place(block, file);
    } catch {}
  }

  #place(block: Block, file: number): void {
    this.#blocks.push({ ...block, file, firstRow: this.#index.rows });
    for (let i = 0; i < block.rows; i++) this.#index.add(keyOf(block.table, i));
  }

  /** A file of this process alone, so that several may write at the same time. */
  #startSegment(): SegmentWriter {
    const path = join(this.folder, `${Date.now()}-${process.pid}-${randomBytes(4).toString("hex")}${EXTENSION}`);
    const writer = new SegmentWriter(path, this.#identity, this.numFeatures);
    this.#writerFile = openSync(path, "r");
    this.#files.push(this.#writerFile);
    return writer;
  }

  #endSegment(): void {
    this.#writer?.close();
    this.#writer = undefined;
  }

  #giveUpWriting(error: unknown): void {
    this.#writable = false;
    this.#onWarning(
      `Features cannot be cached in ${this.folder} (${(error as Error).message}); the run goes on without. Set CANOPY_CACHE to a folder that has room and can be written to.`,
    );
  }
}

/** `identity.json` beside the segments says what they belong to. */
function prepareFolder(folder: string, canonical: string): void {
  mkdirSync(folder, { recursive: true });
  if (readdirSync(folder).includes("identity.json")) return;
  writeWholeSync(join(folder, "identity.json"), `${canonical}\n`);
}

/** Positions of rows that exist, in the order they lie on disk. */
function sortedPositions(rows: Int32Array): Int32Array {
  const positions = Int32Array.from(rows.keys()).filter((position) => rows[position] >= 0);
  return positions.sort((a, b) => rows[a] - rows[b]);
}

function concatFloats(parts: Float32Array[]): Float32Array {
  const joined = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}
