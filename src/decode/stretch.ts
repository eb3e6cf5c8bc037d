/** `stretch` as users give it, and the resulting sample values for a tile set. */
import { OptionError } from "../errors.js";
import type { Tile } from "../tiles/tile.js";
import type { Bands, Stretch } from "./decoder.js";
import { sampleRasters } from "./sample-rasters.js";
import type { RasterSample } from "./sample-worker.js";

/**
 * Which sample values of a TIFF, or of a PNG of 16 bits, become 0 and 255: `"none"` takes samples as levels, `[min, max]` are the values, and
 * `"p2,p98"` measures these percentiles of each band over the tiles.
 */
export type StretchOption = "none" | readonly [min: number, max: number] | `p${number},p${number}`;

/** Options of commands for TIFFs that are no photographs, and for PNGs of 16 bits. */
export interface RasterOptions {
  /** Bands that become red, green and blue, from 1, or the one that becomes gray. @default the first three, or the first */
  bands?: Bands | undefined;
  /** Sample values that become 0 and 255. @default 8 bits as they are, 16 over their whole range, others rejected */
  stretch?: StretchOption | undefined;
}

/** More tiles than this are not needed to measure a set. */
const MEASURED_TILES = 200;

/**
 * The values for `tiles`; the same tiles give the same values.
 * @throws OptionError for an invalid stretch, and for percentiles if no tile has samples to measure
 */
export async function resolveStretch(
  option: StretchOption | undefined,
  tiles: readonly Tile[],
  bands: Bands | null,
  signal?: AbortSignal,
): Promise<Stretch | null> {
  if (option === undefined) return null;
  const checked = checkStretchOption(option);
  if (!("low" in checked)) return [checked.range];
  const samples = await sampleRasters(tiles, { bands, most: MEASURED_TILES, signal });
  const bandValues = samples.length === 0 ? [] : valuesByBand(samples);
  if (bandValues.length === 0 || bandValues.some((values) => values.length === 0)) {
    throw new OptionError(
      `\`stretch\` is ${option}, and no tile is a TIFF, or a PNG of 16 bits, with valid samples that it could be measured on.`,
    );
  }
  return bandValues.map((values) => widen(percentile(values, checked.low), percentile(values, checked.high)));
}

/** Sorted; of the bands that all of them have. */
function valuesByBand(samples: readonly RasterSample[]): Float64Array[] {
  const count = Math.min(...samples.map(({ values }) => values.length));
  return Array.from({ length: count }, (_, band) =>
    Float64Array.from(samples.flatMap(({ values }) => Array.from(values[band]))).sort(),
  );
}

/** @throws OptionError for an invalid stretch */
export function checkStretchOption(
  option: StretchOption,
): { range: readonly [number, number] } | { low: number; high: number } {
  if (option === "none") return { range: [0, 255] };
  if (typeof option === "string") {
    const [low, high] = (/^p(\d+(?:\.\d+)?),p(\d+(?:\.\d+)?)$/.exec(option) ?? []).slice(1).map(Number);
    if (low < high && high <= 100) return { low, high };
  } else if (Array.isArray(option) && option.length === 2 && option.every(Number.isFinite) && option[0] < option[1]) {
    return { range: [option[0], option[1]] };
  }
  throw new OptionError(
    "Expected `stretch` to be none, a least and a greater value such as 0,3000, or two percentiles such as p2,p98, got " +
      `${JSON.stringify(option)}.`,
  );
}

/** By linear interpolation between ranks, as NumPy's default. */
function percentile(sorted: Float64Array, percent: number): number {
  const place = ((sorted.length - 1) * percent) / 100;
  const below = Math.floor(place);
  return sorted[below] + (sorted[Math.min(below + 1, sorted.length - 1)] - sorted[below]) * (place - below);
}

/** A band with a single value gets a range with this value at its bottom. */
function widen(low: number, high: number): readonly [number, number] {
  return high > low ? [low, high] : [low, low + 1];
}
