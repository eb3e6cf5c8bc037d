/** Notices TIFFs and PNGs of 16 bits that use little of their range: without a stretch they are nearly black. */
import type { Tile } from "../tiles/tile.js";
import type { DecodeOptions } from "./decoder.js";
import { sampleRasters } from "./sample-rasters.js";

/** Tiles to sample. */
const TILES = 16;
/** A set whose greatest sample is below this share of the range gets a warning, for example 12 bits in 16. */
const SHARE = 1 / 6;

/** A warning with the stretch to give, or undefined if there is nothing to warn of. */
export async function describeDarkRasters(
  tiles: readonly Tile[],
  { bands, stretch }: Pick<DecodeOptions, "bands" | "stretch">,
  signal?: AbortSignal,
): Promise<string | undefined> {
  if (stretch !== null) return undefined;
  const samples = await sampleRasters(tiles, { bands, most: TILES, signal });
  const words = samples.filter(({ info }) => info.kind === "uint" && info.bits === 16);
  const greatest = Math.max(
    ...words.flatMap(({ values }) => values.map((band) => band.reduce((a, b) => Math.max(a, b), 0))),
  );
  return words.length > 0 && isLittleOfRange(greatest) ? describeDark(greatest) : undefined;
}

/** Of 16 bits. Zeros alone say nothing. */
export function isLittleOfRange(greatest: number): boolean {
  return greatest > 0 && greatest <= 65535 * SHARE;
}

export function describeDark(greatest: number): string {
  return (
    `TIFFs and PNGs of 16 bits whose greatest value is ${greatest} are read over their whole range, 0 to 65535, so that they are nearly black: ` +
    `train with \`stretch\`, such as 0,${greatest} or p2,p98.`
  );
}
