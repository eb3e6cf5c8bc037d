/** Bytes of a block to samples: bit widths, byte order and predictors. */
import type { Layout } from "./directory.js";
import { RasterError, type Samples } from "./raster.js";

interface View {
  new (buffer: ArrayBufferLike): Samples;
  BYTES_PER_ELEMENT: number;
}

const VIEWS: Readonly<Record<string, View>> = {
  uint8: Uint8Array,
  uint16: Uint16Array,
  uint32: Uint32Array,
  int8: Int8Array,
  int16: Int16Array,
  int32: Int32Array,
  float32: Float32Array,
  float64: Float64Array,
};

type Shape = Pick<Layout, "kind" | "bits" | "blockWidth">;

/** Whether samples of this kind can be read at all. */
export function canUnpack({ kind, bits }: Shape): boolean {
  if (!Number.isInteger(bits) || bits < 1) return false;
  if (kind === "uint") return bits <= 16 || bits === 32 || bits === 64;
  if (kind === "int") return [8, 16, 32, 64].includes(bits);
  return kind === "float" && [16, 32, 64].includes(bits);
}

/** Bytes of `rows` rows of a block with `perPixel` samples to the pixel; rows begin at whole bytes. */
export function bytesOf({ bits, blockWidth }: Shape, rows: number, perPixel: number): number {
  return Math.ceil((blockWidth * perPixel * bits) / 8) * rows;
}

/** Of the arrays that `allocate` makes. */
export function bytesPerSample({ kind, bits }: Shape): number {
  if (kind === "float" && bits === 16) return 4;
  return bits <= 8 ? 1 : bits <= 16 ? 2 : bits / 8;
}

/** An array for `count` samples. */
export function allocate({ kind, bits }: Shape, count: number): Samples {
  if (kind === "uint" && bits < 16) return bits <= 8 ? new Uint8Array(count) : new Uint16Array(count);
  if (bits === 64) return new Float64Array(count);
  const type = kind === "float" && bits === 16 ? Float32Array : VIEWS[`${kind}${bits}`];
  return new type(new ArrayBuffer(count * type.BYTES_PER_ELEMENT));
}

/** Samples `[rows, blockWidth, perPixel]`. @throws RasterError for a predictor that does not go with them */
export function unpack(bytes: Uint8Array, layout: Layout, rows: number, perPixel: number): Samples {
  const { kind, bits, predictor, littleEndian } = layout;
  if (bits % 8 !== 0) return unpackBits(bytes, layout, rows, perPixel);
  const own = new Uint8Array(bytes);
  const size = bits / 8;
  if (!littleEndian && predictor !== 3) swap(own, size);
  if (predictor === 2) addDifferences(own, layout, rows, perPixel);
  else if (predictor === 3) addByteDifferences(own, layout, rows, perPixel);
  else if (predictor !== 1) throw badPredictor(layout);
  if (bits === 64 && kind !== "float") return fromBigInts(own.buffer, kind);
  if (kind === "float" && bits === 16) return fromHalfs(new Uint16Array(own.buffer));
  return new VIEWS[`${kind}${bits}`](own.buffer);
}

/** Unsigned samples of other widths than whole bytes, most significant bit first whatever the byte order. */
function unpackBits(bytes: Uint8Array, layout: Layout, rows: number, perPixel: number): Samples {
  if (layout.predictor !== 1) throw badPredictor(layout);
  const { bits, blockWidth } = layout;
  const perRow = blockWidth * perPixel;
  const samples = allocate(layout, rows * perRow);
  const rowBytes = bytesOf(layout, 1, perPixel);
  const mask = (1 << bits) - 1;
  for (let row = 0, to = 0; row < rows; row++) {
    let [held, count, at] = [0, 0, row * rowBytes];
    for (let i = 0; i < perRow; i++) {
      while (count < bits) {
        held = ((held << 8) | bytes[at++]) & 0xffffff;
        count += 8;
      }
      count -= bits;
      samples[to++] = (held >>> count) & mask;
    }
  }
  return samples;
}

function swap(bytes: Uint8Array, size: number): void {
  const buffer = Buffer.from(bytes.buffer);
  if (size === 2) buffer.swap16();
  else if (size === 4) buffer.swap32();
  else if (size === 8) buffer.swap64();
}

/** Predictor 2: each sample is the difference to the same band's one to the left. */
function addDifferences(own: Uint8Array, layout: Layout, rows: number, perPixel: number): void {
  const { bits, blockWidth } = layout;
  const words =
    bits === 64
      ? new BigUint64Array(own.buffer)
      : (new VIEWS[`uint${bits}`](own.buffer) as Uint8Array | Uint16Array | Uint32Array);
  const perRow = blockWidth * perPixel;
  for (let row = 0; row < rows; row++) {
    const end = (row + 1) * perRow;
    // Typed arrays wrap around as the writer's did.
    for (let i = row * perRow + perPixel; i < end; i++) (words[i] as number) += words[i - perPixel] as number;
  }
}

/** Predictor 3: each row holds first bytes, then second bytes and so on, most significant first, as differences. */
function addByteDifferences(own: Uint8Array, layout: Layout, rows: number, perPixel: number): void {
  const { bits, kind, blockWidth } = layout;
  if (kind !== "float") throw badPredictor(layout);
  const size = bits / 8;
  const perRow = blockWidth * perPixel;
  for (let row = 0; row < rows; row++) {
    const bytes = own.subarray(row * perRow * size, (row + 1) * perRow * size);
    for (let i = perPixel; i < bytes.length; i++) bytes[i] += bytes[i - perPixel];
    const planes = bytes.slice();
    for (let i = 0; i < perRow; i++) {
      for (let byte = 0; byte < size; byte++) bytes[i * size + byte] = planes[(size - 1 - byte) * perRow + i];
    }
  }
}

function badPredictor({ predictor, kind, bits }: Layout): RasterError {
  return new RasterError("FORMAT", `TIFF with predictor ${predictor} for ${kind}${bits} samples is not read`);
}

function fromBigInts(buffer: ArrayBufferLike, kind: string): Float64Array {
  return Float64Array.from(kind === "int" ? new BigInt64Array(buffer) : new BigUint64Array(buffer), Number);
}

/** IEEE 754 binary16. */
function fromHalfs(words: Uint16Array): Float32Array {
  return Float32Array.from(words, (word) => {
    const [sign, exponent, fraction] = [word & 0x8000 ? -1 : 1, (word >> 10) & 31, word & 1023];
    if (exponent === 0) return sign * fraction * 2 ** -24;
    if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
    return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
  });
}
