/** Bands of samples to colours: which bands, and which levels (docs/colour.md). */
import { type Raster, RasterError, type RasterInfo } from "../raster/raster.js";
import type { Bands, PictureOptions, RasterFacts, RgbImage } from "./decoder.js";
import { chooseScale, type Extremes, scaleInto } from "./scale.js";

export type BandOptions = Pick<PictureOptions, "bands" | "stretch">;

/** Rows read at a time, at least: the others wait in the file. */
const ROWS = 64;

/** The bands of a raster as colours. @throws RasterError for a band that is not there, and samples without a range */
export async function readBands(
  raster: Raster,
  format: RasterFacts["format"],
  options: BandOptions,
): Promise<RgbImage> {
  const { info } = raster;
  const bands = options.bands ?? firstBands(info);
  const missing = bands.find((band) => band > info.bands);
  if (missing !== undefined) {
    throw new RasterError("FORMAT", `\`bands\` asks for band ${missing}, and the ${format} has ${info.bands}`);
  }
  const { stretch } = options;
  const scales = bands.map((_, i) => chooseScale(info, stretch?.[stretch.length === 1 ? 0 : i]));
  const { width, height } = info;
  const pixels = new Uint8Array(width * height * 3);
  let values: Extremes = null;
  const rows = Math.ceil(ROWS / info.blockHeight) * info.blockHeight;
  for (let y = 0; y < height; y += rows) {
    const window = { x: 0, y, width, height: Math.min(rows, height - y) };
    const samples = await raster.read(
      bands.map((band) => band - 1),
      window,
    );
    for (let c = 0; c < 3; c++) {
      const band = bands.length === 1 ? 0 : c;
      values = scaleInto(samples[band], scales[band], pixels, y * width * 3 + c, values);
    }
  }
  return { width, height, pixels, raster: { format, info, bands, values } };
}

/** The first three, or the first if fewer than three are colours. */
export function firstBands({ bands, alphaBands }: RasterInfo): Bands {
  return bands - alphaBands >= 3 ? [1, 2, 3] : [1];
}
