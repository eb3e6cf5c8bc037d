/**
 * Resizing in plain TypeScript: the readable reference for the addon (native/resize_kernels.cc), with the same bits,
 * and used without the addon. Pixels are uint8 RGB HWC; results equal Pillow (antialiased) and tf.image.resize (not
 * antialiased) within one level.
 */

/** Result i is the sum over k < taps of `weights[i * taps + k] * sample[start[i] + k]`. */
interface FilterTable {
  taps: number;
  start: Int32Array;
  /** Q16; those of one result add up to WEIGHT_SUM. */
  weights: Uint16Array;
}

/** For one result: the first sample, and the shares of samples from there on. */
interface Window {
  first: number;
  shares: number[];
}

const WEIGHT_SUM = 65535;
/**
 * Up to so many taps each product is truncated to the bits that are kept (16-bit lanes suffice); with more taps, the
 * sum.
 */
const SHORT_TAPS = 12;

/**
 * Resizes `[height, width, 3]` into `target` `[size, size, 3]`, bilinear.
 * @param antialias true: the triangle filter grows with the scale, as Pillow's `resize(BILINEAR)`; false: two neighbours at half-pixel
 *   centres, as `tf.image.resize`.
 */
export function resizeRgb(
  pixels: Uint8Array,
  width: number,
  height: number,
  target: Uint8Array,
  size: number,
  antialias: boolean,
): void {
  if (pixels.length < width * height * 3) throw new RangeError("Expected `pixels` to hold width * height * 3 bytes.");
  if (target.length < size * size * 3) throw new RangeError("Expected `target` to hold size * size * 3 bytes.");
  if (width === size && height === size) {
    target.set(pixels.subarray(0, size * size * 3));
    return;
  }
  const rows = new Uint16Array(height * size * 3);
  resizeRows(pixels, width, rows, makeTable(width, size, antialias));
  resizeColumns(rows, target, makeTable(height, size, antialias));
}

function makeTable(source: number, size: number, antialias: boolean): FilterTable {
  const makeWindow = antialias ? triangle : nearestTwo;
  const windows = Array.from({ length: size }, (_, i) => makeWindow(source, size, i));
  const taps = Math.max(...windows.map(({ shares }) => shares.length));
  const table = { taps, start: new Int32Array(size), weights: new Uint16Array(size * taps) };
  for (const [i, { first, shares }] of windows.entries()) {
    const start = Math.min(first, source - taps);
    table.start[i] = start;
    quantise(shares, table.weights.subarray(i * taps + first - start));
  }
  return table;
}

/** Pillow's triangle: as wide as two result pixels (two source pixels if the image grows), cut at the border. */
function triangle(source: number, size: number, i: number): Window {
  const scale = source / size;
  const radius = Math.max(scale, 1);
  const center = (i + 0.5) * scale;
  const first = Math.max(Math.trunc(center - radius + 0.5), 0);
  const end = Math.min(Math.trunc(center + radius + 0.5), source);
  const shares = Array.from({ length: end - first }, (_, k) =>
    Math.max(0, 1 - Math.abs(first + k + 0.5 - center) / radius),
  );
  return { first, shares };
}

/** TensorFlow's half-pixel bilinear: the two neighbours of `(i + 0.5) * scale - 0.5`, clamped at the edges. */
function nearestTwo(source: number, size: number, i: number): Window {
  const position = ((i + 0.5) * source) / size - 0.5;
  const floor = Math.floor(position);
  const clamp = (x: number) => Math.min(Math.max(x, 0), source - 1);
  const share = position - floor;
  const [low, high] = [clamp(floor), clamp(floor + 1)];
  return { first: low, shares: low === high ? [1] : [1 - share, share] };
}

/** Rounds such that the sum is exactly WEIGHT_SUM: the rounding error is carried from tap to tap. */
function quantise(shares: readonly number[], weights: Uint16Array): void {
  const total = shares.reduce((sum, share) => sum + share, 0);
  let exact = 0;
  let given = 0;
  for (const [k, share] of shares.entries()) {
    exact += (share / total) * WEIGHT_SUM;
    const rounded = Math.round(exact);
    weights[k] = rounded - given;
    given = rounded;
  }
}

/** `[height, width, 3]` to `[height, size, 3]` in 8.8 fixed point. */
function resizeRows(pixels: Uint8Array, width: number, rows: Uint16Array, table: FilterTable): void {
  const { taps, start, weights } = table;
  const size = start.length;
  for (let out = 0, row = 0; out < rows.length; row += width * 3) {
    for (let x = 0; x < size; x++) {
      const first = row + start[x] * 3;
      for (let from = first; from < first + 3; from++) {
        rows[out++] =
          taps <= SHORT_TAPS
            ? (taps >> 1) + sumOfCutProducts(pixels, from, 3, weights, x * taps, taps, 8)
            : (128 + sumOfProducts(pixels, from, 3, weights, x * taps, taps)) >>> 8;
      }
    }
  }
}

/** `[height, size, 3]` in 8.8 fixed point to `[size, size, 3]`. */
function resizeColumns(rows: Uint16Array, target: Uint8Array, table: FilterTable): void {
  const { taps, start, weights } = table;
  const size = start.length;
  const stride = size * 3;
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < stride; x++) {
      const from = start[y] * stride + x;
      target[y * stride + x] =
        taps <= SHORT_TAPS
          ? (128 + (taps >> 1) + sumOfCutProducts(rows, from, stride, weights, y * taps, taps, 16)) >> 8
          : (2 ** 23 + sumOfProducts(rows, from, stride, weights, y * taps, taps)) >>> 24;
    }
  }
}

/** Each product loses its last `bits`. */
function sumOfCutProducts(
  samples: Uint8Array | Uint16Array,
  from: number,
  step: number,
  weights: Uint16Array,
  at: number,
  taps: number,
  bits: number,
): number {
  let sum = 0;
  for (let k = 0; k < taps; k++) sum += Math.imul(samples[from + k * step], weights[at + k]) >>> bits;
  return sum;
}

/** Below 2^32. */
function sumOfProducts(
  samples: Uint8Array | Uint16Array,
  from: number,
  step: number,
  weights: Uint16Array,
  at: number,
  taps: number,
): number {
  let sum = 0;
  for (let k = 0; k < taps; k++) sum += samples[from + k * step] * weights[at + k];
  return sum;
}
