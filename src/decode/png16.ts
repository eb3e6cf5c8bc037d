/** PNG of 16 bits: samples as those of a TIFF, not levels. */
import { type Raster, RasterError, type RasterInfo, type Samples, type Window } from "../raster/raster.js";
import type { PictureOptions } from "./decoder.js";
import { openPicture } from "./open-sharp.js";
import { tooMuchWork } from "./work.js";

/** All of its samples, as bands. @throws RasterError if that would take too long, libvips' error if the data are damaged */
export async function openPng16(
  bytes: Uint8Array,
  options: Pick<PictureOptions, "maxPixels" | "onTruncated"> & { workPixels: number },
): Promise<Raster> {
  const image = openPicture(bytes, options);
  const { width, height, channels } = await image.metadata();
  const failure = tooMuchWork(bytes, "png", width * height, options.workPixels);
  if (failure !== undefined) throw new RasterError("LIMIT", failure.message);
  const space = channels < 3 ? "grey16" : "rgb16";
  const { data, info } = await image
    .pipelineColourspace(space)
    .toColourspace(space)
    .raw({ depth: "ushort" })
    .toBuffer({ resolveWithObject: true });
  // Buffers begin at multiples of eight bytes.
  const samples = new Uint16Array(data.buffer, data.byteOffset, data.length / 2);
  const described = describe(info.width, info.height, info.channels);
  return {
    info: described,
    whole: true,
    read: async (bands, window) => bands.map((band) => cut(samples, described, band, window)),
    palette: undefined,
  };
}

function describe(width: number, height: number, bands: number): RasterInfo {
  return {
    ...{ width, height, bands, alphaBands: bands % 2 === 0 ? 1 : 0, kind: "uint", bits: 16 },
    ...{ photometric: bands < 3 ? 1 : 2, compression: 8, planar: false, tiled: false },
    ...{ blockWidth: width, blockHeight: height, nodata: undefined, orientation: 1 },
  };
}

/** A band's samples of the window's rows, which are whole: `[height, width]`. */
function cut(samples: Uint16Array, { width, bands }: RasterInfo, band: number, window: Window): Samples {
  const first = (window.y * width + window.x) * bands + band;
  const taken = new Uint16Array(window.width * window.height);
  for (let i = 0, from = first; i < taken.length; i++, from += bands) taken[i] = samples[from];
  return taken;
}
