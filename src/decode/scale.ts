/** Samples of any kind to 8 bits, by the rule in docs/colour.md. */
import { RasterError, type RasterInfo, type Samples, sampleType } from "../raster/raster.js";

interface Scale {
  low: number;
  high: number;
  /** The value of invalid samples, which become 0. Undefined if all are valid. */
  nodata: number | undefined;
  /** Whether the greatest value is black. */
  inverted: boolean;
}

/** How a band is scaled: over `range` or, for unsigned integers of up to 16 bits, over all that they can hold. @throws RasterError */
export function chooseScale(info: RasterInfo, range: readonly [number, number] | undefined): Scale {
  const inverted = info.photometric === 0;
  if (range === undefined && info.kind === "uint" && info.bits <= 16) {
    // Bytes stay as they are, whatever the file calls "no data".
    return { low: 0, high: 2 ** info.bits - 1, nodata: info.bits === 8 ? undefined : info.nodata, inverted };
  }
  if (range === undefined) {
    throw new RasterError(
      "FORMAT",
      `TIFF of ${sampleType(info)} samples, whose least and greatest value no reader can know: inspect, fix or train with \`stretch\` (MIN,MAX or p2,p98)`,
    );
  }
  const [low, high] = range;
  return { low, high, nodata: info.nodata, inverted };
}

/** Least and greatest valid sample; null without any. */
export type Extremes = { min: number; max: number } | null;

/** Writes `samples` to every third byte of `pixels` from `at`, rounded half up and clamped. Gives `extremes` widened by them. */
export function scaleInto(
  samples: Samples,
  { low, high, nodata, inverted }: Scale,
  pixels: Uint8Array,
  at: number,
  extremes: Extremes,
): Extremes {
  const none = samples instanceof Float32Array && nodata !== undefined ? Math.fround(nodata) : nodata;
  let { min, max } = extremes ?? { min: Number.POSITIVE_INFINITY, max: Number.NEGATIVE_INFINITY };
  for (let i = 0, to = at; i < samples.length; i++, to += 3) {
    const value = samples[i];
    if (value === none || Number.isNaN(value)) {
      pixels[to] = 0;
      continue;
    }
    if (value < min) min = value;
    if (value > max) max = value;
    const level = value <= low ? 0 : value >= high ? 255 : Math.floor(((value - low) * 255) / (high - low) + 0.5);
    pixels[to] = inverted ? 255 - level : level;
  }
  return min <= max ? { min, max } : null;
}
