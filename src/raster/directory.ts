/** The first directory of a TIFF: classic and BigTIFF, of either byte order (TIFF 6.0, section 2). */
import { RasterError, type RasterInfo, type RasterSource } from "./raster.js";

/** Everything that is needed to read a TIFF's blocks. */
export interface Layout extends RasterInfo {
  littleEndian: boolean;
  /** 1 none, 2 differences of samples, 3 of the bytes of floats. */
  predictor: number;
  /** Bits of each byte are stored in reverse order. */
  reversedBits: boolean;
  /** Of each block, row by row and, where planes are apart, plane by plane. */
  offsets: readonly number[];
  /** Bytes of each; 0 for a block that is not there. Undefined if the file does not say. */
  byteCounts: readonly number[] | undefined;
  /** LERC's second compression: 0 none, 1 Deflate, 2 ZSTD. */
  lercCompression: number;
  /** Colours of a palette, `[3, 2 ** bits]` of 16 bits. */
  palette: readonly number[] | undefined;
}

/** Values of each tag. */
export type Directory = ReadonlyMap<number, readonly number[]>;

/** Most values of one tag; a file with more is made to fill the memory. */
const MOST_VALUES = 1 << 24;

/** By field type: bytes of a value and how it is read. Rationals (5, 10) are not needed. */
const TYPES: Readonly<Record<number, [bytes: number, read: (view: DataView, at: number, little: boolean) => number]>> =
  {
    1: [1, (view, at) => view.getUint8(at)],
    2: [1, (view, at) => view.getUint8(at)],
    3: [2, (view, at, little) => view.getUint16(at, little)],
    4: [4, (view, at, little) => view.getUint32(at, little)],
    6: [1, (view, at) => view.getInt8(at)],
    7: [1, (view, at) => view.getUint8(at)],
    8: [2, (view, at, little) => view.getInt16(at, little)],
    9: [4, (view, at, little) => view.getInt32(at, little)],
    11: [4, (view, at, little) => view.getFloat32(at, little)],
    12: [8, (view, at, little) => view.getFloat64(at, little)],
    13: [4, (view, at, little) => view.getUint32(at, little)],
    16: [8, (view, at, little) => Number(view.getBigUint64(at, little))],
    17: [8, (view, at, little) => Number(view.getBigInt64(at, little))],
    18: [8, (view, at, little) => Number(view.getBigUint64(at, little))],
  };

/** @throws RasterError */
export async function readLayout(source: RasterSource): Promise<Layout> {
  const head = viewOf(await readExactly(source, 0, 8));
  const littleEndian = head.getUint16(0) === 0x4949;
  const big = head.getUint16(2, littleEndian) === 43;
  const at = big
    ? Number(viewOf(await readExactly(source, 8, 8)).getBigUint64(0, littleEndian))
    : head.getUint32(4, littleEndian);
  return toLayout(await readDirectory(source, at, littleEndian, big), littleEndian);
}

async function readDirectory(source: RasterSource, at: number, little: boolean, big: boolean): Promise<Directory> {
  const countBytes = big ? 8 : 2;
  const head = viewOf(await readExactly(source, at, countBytes));
  const entries = big ? Number(head.getBigUint64(0, little)) : head.getUint16(0, little);
  if (entries > 65535) throw new RasterError("CORRUPT", "Image cannot be decoded (its directory is damaged)");
  const [entryBytes, inline] = big ? [20, 8] : [12, 4];
  const table = viewOf(await readExactly(source, at + countBytes, entries * entryBytes));
  const directory = new Map<number, readonly number[]>();
  for (let entry = 0; entry < table.byteLength; entry += entryBytes) {
    const tag = table.getUint16(entry, little);
    const type = TYPES[table.getUint16(entry + 2, little)];
    const count = big ? Number(table.getBigUint64(entry + 4, little)) : table.getUint32(entry + 4, little);
    if (type === undefined || !KNOWN.has(tag)) continue;
    if (count > MOST_VALUES) throw new RasterError("LIMIT", `Image has a tag of ${count} values`);
    const [bytes, read] = type;
    const place = entry + entryBytes - inline;
    const elsewhere = big ? Number(table.getBigUint64(place, little)) : table.getUint32(place, little);
    const fits = count * bytes <= inline;
    const view = fits ? table : viewOf(await readExactly(source, elsewhere, count * bytes));
    const first = fits ? place : 0;
    directory.set(
      tag,
      Array.from({ length: count }, (_, i) => read(view, first + i * bytes, little)),
    );
  }
  return directory;
}

async function readExactly(source: RasterSource, offset: number, length: number): Promise<Uint8Array> {
  const bytes = offset > source.byteLength ? new Uint8Array() : await source.read(offset, length);
  if (bytes.length === length) return bytes;
  throw new RasterError("TRUNCATED", "Image data ends early (its directory is not whole)");
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

const TAG = {
  width: 256,
  height: 257,
  bits: 258,
  compression: 259,
  photometric: 262,
  fillOrder: 266,
  stripOffsets: 273,
  orientation: 274,
  samplesPerPixel: 277,
  rowsPerStrip: 278,
  stripByteCounts: 279,
  planarConfiguration: 284,
  predictor: 317,
  colorMap: 320,
  tileWidth: 322,
  tileLength: 323,
  tileOffsets: 324,
  tileByteCounts: 325,
  extraSamples: 338,
  sampleFormat: 339,
  gdalNodata: 42113,
  lercParameters: 50674,
} as const;

/** Other tags are not read. */
const KNOWN: ReadonlySet<number> = new Set(Object.values(TAG));

function toLayout(directory: Directory, littleEndian: boolean): Layout {
  const one = (tag: number, otherwise: number): number => directory.get(tag)?.[0] ?? otherwise;
  const [width, height] = [one(TAG.width, 0), one(TAG.height, 0)];
  const bands = one(TAG.samplesPerPixel, 1);
  const tiled = directory.has(TAG.tileWidth);
  const blockWidth = tiled ? one(TAG.tileWidth, 0) : width;
  const blockHeight = tiled ? one(TAG.tileLength, 0) : Math.min(one(TAG.rowsPerStrip, height) || height, height);
  checkSizes(width, height, bands, blockWidth, blockHeight);
  const planar = one(TAG.planarConfiguration, 1) === 2;
  const blocks = Math.ceil(width / blockWidth) * Math.ceil(height / blockHeight) * (planar ? bands : 1);
  const offsets = directory.get(tiled ? TAG.tileOffsets : TAG.stripOffsets);
  if (offsets === undefined || offsets.length < blocks) {
    throw new RasterError("CORRUPT", "Image cannot be decoded (it lacks some of its blocks)");
  }
  return {
    ...sampleFormatOf(directory, bands),
    width,
    height,
    bands,
    alphaBands: countAlpha(directory.get(TAG.extraSamples) ?? []),
    photometric: one(TAG.photometric, bands >= 3 ? 2 : 1),
    compression: one(TAG.compression, 1),
    planar,
    tiled,
    blockWidth,
    blockHeight,
    nodata: parseNodata(directory.get(TAG.gdalNodata)),
    orientation: one(TAG.orientation, 1),
    littleEndian,
    predictor: one(TAG.predictor, 1),
    reversedBits: one(TAG.fillOrder, 1) === 2,
    offsets,
    byteCounts: directory.get(tiled ? TAG.tileByteCounts : TAG.stripByteCounts),
    lercCompression: directory.get(TAG.lercParameters)?.[1] ?? 0,
    palette: directory.get(TAG.colorMap),
  };
}

function checkSizes(...sizes: number[]): void {
  if (sizes.every((size) => Number.isInteger(size) && size > 0)) return;
  throw new RasterError("CORRUPT", "Image cannot be decoded (its directory says no size of image or block)");
}

const KINDS: Readonly<Record<number, RasterInfo["kind"]>> = {
  1: "uint",
  2: "int",
  3: "float",
  5: "complex",
  6: "complex",
};

function sampleFormatOf(directory: Directory, bands: number): Pick<RasterInfo, "kind" | "bits"> {
  const bits = directory.get(TAG.bits) ?? [1];
  const formats = directory.get(TAG.sampleFormat) ?? [1];
  const mixed = [bits, formats].some((values) => values.slice(0, bands).some((value) => value !== values[0]));
  if (mixed) {
    throw new RasterError("FORMAT", "TIFF with bands of different sample formats is not read; give all bands one");
  }
  // 4 is "undefined", which readers treat as unsigned integers.
  return { bits: bits[0] || 1, kind: KINDS[formats[0]] ?? "uint" };
}

/** ExtraSamples at the end that are alpha, premultiplied (1) or not (2). */
function countAlpha(extra: readonly number[]): number {
  return extra.length - 1 - extra.findLastIndex((kind) => kind !== 1 && kind !== 2);
}

function parseNodata(characters: readonly number[] | undefined): number | undefined {
  const text = String.fromCharCode(...(characters ?? []).slice(0, 64))
    .replace(/\0.*$/s, "")
    .trim();
  if (text === "") return undefined;
  // GDAL's "inf" and "-inf" are no numbers of JavaScript.
  return Number(text.replace(/^([+-]?)inf$/i, "$1Infinity"));
}
