/** TIFFs for tests, of any kind canopy reads, from a formula. */
import { deflateSync } from "node:zlib";

export type SampleType = "uint8" | "int8" | "uint16" | "int16" | "uint32" | "int32" | "float32" | "float64";

export interface TiffOptions {
  width: number;
  height: number;
  bands: number;
  type: SampleType;
  /** The sample of a band (from 0) at a place. */
  at: (band: number, x: number, y: number) => number;
  /** Bits of a sample where they are not the type's, most significant first. */
  bits?: number;
  planar?: boolean;
  /** Side of square tiles; absent: strips of three rows. */
  tile?: number;
  compression?: "none" | "lzw" | "deflate" | "packbits" | "zstd";
  predictor?: 1 | 2 | 3;
  bigEndian?: boolean;
  big?: boolean;
  photometric?: number;
  /** Further tags, of shorts. */
  tags?: [tag: number, values: number[]][];
  /** GDAL's tag for samples that are none. */
  nodata?: string;
}

const FORMATS: Record<SampleType, [format: number, bytes: number]> = {
  uint8: [1, 1],
  uint16: [1, 2],
  uint32: [1, 4],
  int8: [2, 1],
  int16: [2, 2],
  int32: [2, 4],
  float32: [3, 4],
  float64: [3, 8],
};
const COMPRESSIONS = { none: 1, lzw: 5, deflate: 8, packbits: 32773, zstd: 50000 };

export function writeTiff(options: TiffOptions): Buffer {
  const { width, height, bands, type, planar = false, tile, compression = "none", predictor = 1 } = options;
  const [format, bytes] = FORMATS[type];
  const blocks = cutBlocks(options).map((block) => compress(block, compression));
  const tags: [number, number, number[]][] = [
    [256, 4, [width]],
    [257, 4, [height]],
    [258, 3, new Array(bands).fill(options.bits ?? bytes * 8)],
    [259, 3, [COMPRESSIONS[compression]]],
    [262, 3, [options.photometric ?? 1]],
    [277, 3, [bands]],
    [284, 3, [planar ? 2 : 1]],
    [317, 3, [predictor]],
    [339, 3, new Array(bands).fill(format)],
    ...(tile === undefined
      ? []
      : ([
          [322, 3, [tile]],
          [323, 3, [tile]],
        ] as [number, number, number[]][])),
    ...(tile === undefined ? [[278, 3, [3]] as [number, number, number[]]] : []),
    ...(options.tags ?? []).map(([tag, values]) => [tag, 3, values] as [number, number, number[]]),
    ...(options.nodata === undefined
      ? []
      : [[42113, 2, [...Buffer.from(`${options.nodata}\0`)]] as [number, number, number[]]]),
  ];
  return layOut(tags, blocks, options);
}

/** Blocks as bytes, row by row and, where planes are apart, plane by plane. */
function cutBlocks({ width, height, bands, planar, tile, at, ...rest }: TiffOptions): Buffer[] {
  const [blockWidth, blockHeight] = [tile ?? width, tile ?? 3];
  const blocks: Buffer[] = [];
  for (const group of planar ? Array.from({ length: bands }, (_, band) => [band]) : [[...Array(bands).keys()]]) {
    for (let top = 0; top < height; top += blockHeight) {
      for (let left = 0; left < width; left += blockWidth) {
        const rows = tile ?? Math.min(blockHeight, height - top);
        const lines = Array.from({ length: rows }, (_, row) =>
          Array.from({ length: blockWidth }, (_, column) =>
            group.map((band) => (top + row < height && left + column < width ? at(band, left + column, top + row) : 0)),
          ).flat(),
        );
        blocks.push(Buffer.concat(lines.map((line) => encodeLine(line, group.length, rest))));
      }
    }
  }
  return blocks;
}

type LineOptions = Pick<TiffOptions, "type" | "bits" | "predictor" | "bigEndian">;

function encodeLine(
  line: number[],
  step: number,
  { type, bits, predictor = 1, bigEndian = false }: LineOptions,
): Buffer {
  if (bits !== undefined) return packBits(line, bits);
  const [format, bytes] = FORMATS[type];
  const line2 = Buffer.alloc(line.length * bytes);
  for (const [i, value] of line.entries()) {
    if (format === 3) bytes === 4 ? line2.writeFloatLE(value, i * 4) : line2.writeDoubleLE(value, i * 8);
    else line2.writeUIntLE(value < 0 ? value + 256 ** bytes : value, i * bytes, bytes as 1 | 2 | 4);
  }
  if (predictor === 3) return differBytes(line2, step, bytes);
  if (predictor === 2) {
    for (let i = line.length - 1; i >= step; i--) {
      const difference = line2.readUIntLE(i * bytes, bytes) - line2.readUIntLE((i - step) * bytes, bytes);
      line2.writeUIntLE(difference < 0 ? difference + 256 ** bytes : difference, i * bytes, bytes);
    }
  }
  if (!bigEndian || bytes === 1) return line2;
  return bytes === 2 ? line2.swap16() : bytes === 4 ? line2.swap32() : line2.swap64();
}

function differBytes(line: Buffer, step: number, bytes: number): Buffer {
  const count = line.length / bytes;
  const planes = Buffer.from(line.map((_, i) => line[(i % count) * bytes + bytes - 1 - Math.floor(i / count)]));
  return Buffer.from(planes.map((value, i) => (i < step ? value : value - planes[i - step])));
}

function packBits(line: number[], bits: number): Buffer {
  const text = line.map((value) => value.toString(2).padStart(bits, "0")).join("");
  return Buffer.from((text.match(/.{1,8}/g) ?? []).map((byte) => Number.parseInt(byte.padEnd(8, "0"), 2)));
}

function compress(block: Buffer, compression: keyof typeof COMPRESSIONS): Buffer {
  if (compression === "deflate") return deflateSync(block);
  if (compression === "packbits") return runLengths(block);
  if (compression === "lzw") return lzw(block);
  return compression === "zstd" ? zstdFrame(block) : block;
}

function runLengths(block: Buffer): Buffer {
  const out: number[] = [];
  for (let at = 0; at < block.length; ) {
    let run = 1;
    while (run < 128 && block[at + run] === block[at]) run++;
    out.push(...(run > 1 ? [257 - run, block[at]] : [0, block[at]]));
    at += run;
  }
  return Buffer.from(out);
}

/** TIFF's LZW with the whole of its table. */
function lzw(block: Buffer): Buffer {
  let bits = "";
  let [width, next] = [9, 258];
  let table = new Map<string, number>();
  const emit = (code: number) => {
    bits += code.toString(2).padStart(width, "0");
  };
  const codeOf = (text: string) => (text.length === 1 ? text.charCodeAt(0) : (table.get(text) as number));
  emit(256);
  let current = "";
  for (const byte of block) {
    const longer = current + String.fromCharCode(byte);
    if (longer.length === 1 || table.has(longer)) {
      current = longer;
      continue;
    }
    emit(codeOf(current));
    table.set(longer, next++);
    if (next === 4094) {
      emit(256);
      [width, next, table] = [9, 258, new Map()];
    } else if (next >= 2 ** width - 1 + 1) width++;
    current = String.fromCharCode(byte);
  }
  emit(codeOf(current));
  next++;
  if (next >= 2 ** width - 1 + 1 && width < 12) width++;
  emit(257);
  return Buffer.from((bits.match(/.{1,8}/g) ?? []).map((byte) => Number.parseInt(byte.padEnd(8, "0"), 2)));
}

/** A frame of one raw block (RFC 8878). */
function zstdFrame(block: Buffer): Buffer {
  const head = Buffer.alloc(9);
  head.writeUInt32LE(0xfd2fb528, 0);
  head[4] = 0b10100000;
  head.writeUInt32LE(block.length, 5);
  const blockHead = Buffer.alloc(3);
  blockHead.writeUIntLE((block.length << 3) | 1, 0, 3);
  return Buffer.concat([head, blockHead, block]);
}

function layOut(tags: [number, number, number[]][], blocks: Buffer[], { tile, bigEndian, big }: TiffOptions): Buffer {
  const bytesOf: Record<number, number> = { 2: 1, 3: 2, 4: 4, 16: 8 };
  const [entryBytes, inline, countBytes] = big ? [20, 8, 8] : [12, 4, 2];
  const headBytes = big ? 16 : 8;
  const placed = [
    ...tags,
    [tile === undefined ? 273 : 324, 4, blocks.map(() => 0)],
    [tile === undefined ? 279 : 325, 4, blocks.map(({ length }) => length)],
  ].sort((a, b) => (a[0] as number) - (b[0] as number)) as [number, number, number[]][];
  let free = headBytes + countBytes + placed.length * entryBytes + inline;
  const outside = placed.map(([, type, values]) => {
    const bytes = values.length * bytesOf[type];
    const at = free;
    if (bytes > inline) free += bytes + (bytes % 2);
    return bytes > inline ? at : undefined;
  });
  const offsets = blocks.map(({ length }) => {
    free += length;
    return free - length;
  });
  const file = Buffer.alloc(free);
  const write = (value: number, at: number, bytes: number) =>
    bigEndian
      ? bytes === 8
        ? file.writeBigUInt64BE(BigInt(value), at)
        : file.writeUIntBE(value, at, bytes)
      : bytes === 8
        ? file.writeBigUInt64LE(BigInt(value), at)
        : file.writeUIntLE(value, at, bytes);
  file.write(bigEndian ? "MM" : "II", "latin1");
  write(big ? 43 : 42, 2, 2);
  if (big) write(8, 4, 2);
  write(headBytes, big ? 8 : 4, inline);
  write(placed.length, headBytes, countBytes);
  for (const [i, [tag, type, values]] of placed.entries()) {
    const entry = headBytes + countBytes + i * entryBytes;
    write(tag, entry, 2);
    write(type, entry + 2, 2);
    write(values.length, entry + 4, inline);
    const at = outside[i];
    if (at !== undefined) write(at, entry + 4 + inline, inline);
    const own = tag === 273 || tag === 324 ? offsets : values;
    for (const [k, value] of own.entries()) write(value, (at ?? entry + 4 + inline) + k * bytesOf[type], bytesOf[type]);
  }
  for (const [i, block] of blocks.entries()) file.set(block, offsets[i]);
  return file;
}
