/** A fingerprint of a picture that survives resizing, recompression and another colour space: the 64-bit difference hash. */

export interface Fingerprint {
  /** Bit 8 y + x says whether cell (x + 1, y) is brighter than cell (x, y); the first 32 bits, then the others. */
  hash: readonly [number, number];
  /** Mean brightness of the 9x8 cells. */
  cells: Uint8Array;
  /** Standard deviation of the cells, in levels. */
  contrast: number;
}

const COLUMNS = 9;
const ROWS = 8;

/**
 * The difference hash (Neal Krawetz, "Kind of Like That", 2013) of RGB pixels `[height, width, 3]`: brightness averaged over 9x8 cells,
 * then the sign of each step to the right.
 */
export function fingerprint(pixels: Uint8Array, width: number, height: number): Fingerprint {
  const means = cellMeans(pixels, width, height);
  const hash: [number, number] = [0, 0];
  for (let bit = 0; bit < 64; bit++) {
    const at = (bit >> 3) * COLUMNS + (bit & 7);
    if (means[at + 1] > means[at]) {
      hash[bit >> 5] = (hash[bit >> 5] | (1 << (bit & 31))) >>> 0;
    }
  }
  return { hash, cells: Uint8Array.from(means, Math.round), contrast: deviation(means) };
}

/** Number of bits in which two hashes differ. */
export function hashDistance(a: Fingerprint["hash"], b: Fingerprint["hash"]): number {
  return countBits(a[0] ^ b[0]) + countBits(a[1] ^ b[1]);
}

/**
 * Mean absolute difference of the cells, in levels, after their means are made equal, so that brightness alone makes no
 * difference.
 */
export function cellDifference(a: Uint8Array, b: Uint8Array): number {
  const shift = (sum(a) - sum(b)) / a.length;
  let difference = 0;
  for (let i = 0; i < a.length; i++) {
    difference += Math.abs(a[i] - b[i] - shift);
  }
  return difference / a.length;
}

function cellMeans(pixels: Uint8Array, width: number, height: number): Float64Array {
  const sums = new Float64Array(COLUMNS * ROWS);
  const counts = new Float64Array(COLUMNS * ROWS);
  const columnOf = Uint8Array.from({ length: width }, (_, x) => Math.floor((x * COLUMNS) / width));
  for (let y = 0, i = 0; y < height; y++) {
    const row = Math.floor((y * ROWS) / height) * COLUMNS;
    for (let x = 0; x < width; x++, i += 3) {
      const cell = row + columnOf[x];
      sums[cell] += 0.299 * pixels[i] + 0.587 * pixels[i + 1] + 0.114 * pixels[i + 2];
      counts[cell]++;
    }
  }
  // A picture of fewer pixels than cells leaves some empty.
  return sums.map((value, cell) => value / (counts[cell] || 1));
}

function deviation(values: Float64Array): number {
  const mean = values.reduce((a, b) => a + b) / values.length;
  return Math.sqrt(values.reduce((a, b) => a + (b - mean) ** 2, 0) / values.length);
}

function sum(values: Uint8Array): number {
  return values.reduce((a, b) => a + b, 0);
}

function countBits(word: number): number {
  let bits = word - ((word >>> 1) & 0x55555555);
  bits = (bits & 0x33333333) + ((bits >>> 2) & 0x33333333);
  return Math.imul((bits + (bits >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}
