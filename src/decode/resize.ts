/**
 * Resizing in plain TypeScript: the readable reference of what the addon does, and what runs where the addon is not built.
 * Pixels are uint8 RGB HWC; results equal Pillow (antialiased) and tf.image.resize (not antialiased) within one level.
 */

/** For one output coordinate: the first source coordinate, and the weights from there on. */
interface Kernel {
  first: number;
  weights: Float64Array;
}

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
  const makeKernels = antialias ? antialiasedKernels : halfPixelKernels;
  // Pillow rounds to 8 bits between the passes; TensorFlow keeps floats: so does the plain mode here.
  const rows = antialias ? new Uint8ClampedArray(height * size * 3) : new Float64Array(height * size * 3);
  resizeRows(pixels, width, height, rows, makeKernels(width, size));
  resizeColumns(rows, height, target, size, makeKernels(height, size));
}

/** Pillow's `precompute_coeffs` for the triangle filter: support of one output pixel, at least one source pixel each side. */
function antialiasedKernels(from: number, to: number): Kernel[] {
  const scale = from / to;
  const support = Math.max(scale, 1);
  return Array.from({ length: to }, (_, i) => {
    const center = (i + 0.5) * scale;
    const first = Math.max(Math.trunc(center - support + 0.5), 0);
    const last = Math.min(Math.trunc(center + support + 0.5), from);
    const weights = Float64Array.from({ length: last - first }, (_, k) =>
      Math.max(0, 1 - Math.abs((k + first - center + 0.5) / support)),
    );
    const sum = weights.reduce((a, b) => a + b, 0);
    return { first, weights: weights.map((weight) => weight / sum) };
  });
}

/** TensorFlow's half-pixel bilinear: the two neighbours of `(i + 0.5) * scale - 0.5`, clamped at the edges. */
function halfPixelKernels(from: number, to: number): Kernel[] {
  const scale = from / to;
  return Array.from({ length: to }, (_, i) => {
    const center = (i + 0.5) * scale - 0.5;
    const lower = Math.max(Math.floor(center), 0);
    const upper = Math.min(Math.ceil(center), from - 1);
    const share = center - Math.floor(center);
    return upper > lower
      ? { first: lower, weights: Float64Array.of(1 - share, share) }
      : { first: lower, weights: Float64Array.of(1) };
  });
}

/** `[height, width, 3]` to `[height, size, 3]`; assignment to a clamped array rounds (half to even). */
function resizeRows(
  pixels: Uint8Array,
  width: number,
  height: number,
  rows: Uint8ClampedArray | Float64Array,
  kernels: Kernel[],
): void {
  let out = 0;
  for (let y = 0; y < height; y++) {
    for (const { first, weights } of kernels) {
      let at = (y * width + first) * 3;
      let red = 0;
      let green = 0;
      let blue = 0;
      for (let k = 0; k < weights.length; k++, at += 3) {
        red += pixels[at]! * weights[k]!;
        green += pixels[at + 1]! * weights[k]!;
        blue += pixels[at + 2]! * weights[k]!;
      }
      rows[out++] = red;
      rows[out++] = green;
      rows[out++] = blue;
    }
  }
}

/** `[height, size, 3]` to `[size, size, 3]`. */
function resizeColumns(
  rows: Uint8ClampedArray | Float64Array,
  height: number,
  target: Uint8Array,
  size: number,
  kernels: Kernel[],
): void {
  const stride = size * 3;
  if (rows.length < height * stride) throw new RangeError("Too few rows.");
  for (let y = 0; y < size; y++) {
    const { first, weights } = kernels[y]!;
    for (let x = 0; x < stride; x++) {
      let sum = 0;
      for (let k = 0; k < weights.length; k++) sum += rows[(first + k) * stride + x]! * weights[k]!;
      target[y * stride + x] = Math.min(255, Math.floor(sum + 0.5));
    }
  }
}
