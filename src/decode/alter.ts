/** Turns and lights tiles for training, in place; alterPlainly has the same bits as native/alter.cc. */
import type { NativeAddon } from "../addon.js";

/** How a tile looks when its picture has been resized. */
export interface Look {
  /** Element of the dihedral group, 0 to 7: modulo 4 quarter turns counter-clockwise, and from 4 on a left-right flip before them. */
  turn: number;
  /** Factor of every sample. */
  brightness: number;
  /** Factor of the distance to the tile's mean. */
  contrast: number;
}

/** Factors of light are fixed-point numbers, so that every machine computes the same bits. */
const ONE = 65536;

/** Changes `tiles` `[looks, size, size, 3]`. */
export function alterTiles(
  tiles: Uint8Array,
  size: number,
  looks: readonly Look[],
  addon: Pick<NativeAddon, "alterTiles" | "dihedral"> | undefined,
): void {
  const fixed = Int32Array.from(
    looks.flatMap(({ turn, brightness, contrast }) => [turn, Math.round(brightness * ONE), Math.round(contrast * ONE)]),
  );
  if (addon) addon.alterTiles(tiles, looks.length, size, fixed);
  else alterPlainly(tiles, looks.length, size, fixed);
}

/** The same in plain TypeScript; `looks` is `[count, 3]`. */
function alterPlainly(tiles: Uint8Array, count: number, size: number, looks: Int32Array): void {
  const length = size * size * 3;
  for (let i = 0; i < count; i++) {
    const tile = tiles.subarray(i * length, (i + 1) * length);
    const [turn, brightness, contrast] = looks.subarray(3 * i, 3 * i + 3);
    if (turn !== 0) turnTiles(tile.slice(), tile, 1, size, turn);
    if (brightness !== ONE || contrast !== ONE) light(tile, brightness, contrast);
  }
}

/** See Light in native/alter.cc. */
function light(samples: Uint8Array, brightness: number, contrast: number): void {
  const sum = samples.reduce((total, each) => total + each, 0);
  const mean = Math.floor((sum * 256 + Math.floor(samples.length / 2)) / samples.length);
  const gain = Math.floor((brightness * contrast + ONE / 2) / ONE);
  const rest = Math.floor((brightness * (ONE - contrast)) / ONE);
  const offset = Math.floor((mean * rest) / 256) + ONE / 2;
  for (const [i, sample] of samples.entries()) {
    samples[i] = Math.min(Math.max(Math.floor((sample * gain + offset) / ONE), 0), 255);
  }
}

/** Applies element `k` of the dihedral group to each tile of `source`, into `target`; see Look. */
export function turnTiles(source: Uint8Array, target: Uint8Array, count: number, size: number, k: number): void {
  const tileBytes = size * size * 3;
  for (let tile = 0; tile < count; tile++) {
    let to = tile * tileBytes;
    for (let y = 0; y < size; y++) {
      for (let x = 0; x < size; x++, to += 3) {
        const from = tile * tileBytes + sourcePixel(x, y, size - 1, k) * 3;
        target[to] = source[from];
        target[to + 1] = source[from + 1];
        target[to + 2] = source[from + 2];
      }
    }
  }
}

/** Index of the source pixel that lands at (x, y); `last` is size - 1. */
function sourcePixel(x: number, y: number, last: number, k: number): number {
  const turned: [number, number] = (
    [
      [x, y],
      [last - y, x],
      [last - x, last - y],
      [y, last - x],
    ] as [number, number][]
  )[k % 4];
  const column = k < 4 ? turned[0] : last - turned[0];
  return turned[1] * (last + 1) + column;
}
