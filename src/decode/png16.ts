/** PNG of 16 bits: samples as those of a TIFF, not levels. */
import type { Raster, RasterInfo, Samples, Window } from "../raster/raster.js";
import type { PictureOptions } from "./decoder.js";
import { openPicture } from "./open-sharp.js";

/** All of its samples, as bands. Throws libvips' error if the data are damaged. */
export async function openPng16(
  bytes: Uint8Array,
  options: Pick<PictureOptions, "maxPixels" | "onTruncated">,
): Promise<Raster> {
  const image = openPicture(bytes, options);
  const space = (await image.metadata()).channels < 3 ? "grey16" : "rgb16";
  const { data, info } = await image
    .pipelineColourspace(space)
    .toColourspace(space)
    .raw({ depth: "ushort" })
    .toBuffer({ resolveWithObject: true });
  const samples = new Uint16Array(Uint8Array.from(data).buffer);
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
  return Uint16Array.from({ length: window.width * window.height }, (_, i) => {
    return samples[first + (Math.floor(i / window.width) * width + (i % window.width)) * bands];
  });
}
