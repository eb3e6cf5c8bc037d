/** TIFF: photographs go through libvips, everything else is bands of samples, read and scaled by rules of our own (docs/colour.md). */
import { isReadable } from "../raster/codecs.js";
import { nameCompression, namePhotometric } from "../raster/names.js";
import { bytesSource, checkReadable, openRaster } from "../raster/open.js";
import { type Raster, RasterError, type RasterInfo, sampleType } from "../raster/raster.js";
import { type BandOptions, readBands } from "./bands.js";
import { chooseChannels } from "./channels.js";
import { type DecodeFailure, isFailure, type PictureOptions, type RgbImage } from "./decoder.js";
import { mostRasterBytes } from "./memory.js";
import { tooMuchRasterWork } from "./work.js";

interface TiffOptions extends Pick<PictureOptions, "maxPixels" | "onTruncated">, BandOptions {
  /** See `pixelsOfWork`. */
  workPixels: number;
}

const [MIN_IS_WHITE, MIN_IS_BLACK, RGB, PALETTE, CMYK, YCBCR] = [0, 1, 2, 3, 5, 6];

/** Compressions of the libtiff that comes with sharp. */
const LIBVIPS_COMPRESSIONS = [1, 2, 3, 4, 5, 7, 8, 32773, 32946];

/** A TIFF's first image. `readPhotograph` reads it through libvips and throws if that fails. */
export async function readTiff(
  bytes: Uint8Array,
  options: TiffOptions,
  readPhotograph: () => Promise<RgbImage | DecodeFailure>,
): Promise<RgbImage | DecodeFailure> {
  try {
    const raster = await openRaster(bytesSource(bytes), mostRasterBytes(options.maxPixels));
    checkPixels(raster.info, options.maxPixels);
    if (!raster.whole && options.onTruncated === "reject") {
      throw new RasterError("TRUNCATED", "Image data ends early (a block is cut off)");
    }
    if (isPhotograph(raster.info) && !wantsBands(raster.info, options)) {
      return withChannels(await readPhotograph().catch((error) => fail(error, raster)), options);
    }
    if (raster.info.photometric > PALETTE) throw unread(raster.info);
    checkReadable(raster.info);
    const work = { fileBytes: bytes.length, bandsUsed: options.bands?.length ?? 3, mostPixels: options.workPixels };
    const failure = tooMuchRasterWork(raster.info, work);
    if (failure !== undefined) return failure;
    return raster.info.photometric === PALETTE
      ? await readPalette(raster, options)
      : await readBands(raster, "TIFF", options);
  } catch (error) {
    if (error instanceof RasterError) return { code: error.code, message: error.message };
    throw error;
  }
}

function checkPixels({ width, height }: RasterInfo, maxPixels: number): void {
  if (width * height <= maxPixels) return;
  throw new RasterError(
    "LIMIT",
    `Image of ${width}x${height} exceeds the limit of ${maxPixels} pixels (\`maxPixels\`, or what \`memory\` leaves)`,
  );
}

/** Whether the file says what colours its samples are, and libvips reads them as it says. */
function isPhotograph(info: RasterInfo): boolean {
  const { photometric, kind, bits, bands, planar, compression } = info;
  if (kind !== "uint" || bits > 8 || planar || !LIBVIPS_COMPRESSIONS.includes(compression)) return false;
  if (photometric === MIN_IS_WHITE || photometric === MIN_IS_BLACK)
    return bits === 8 ? bands <= 2 : bits === 1 && bands === 1;
  if (photometric === PALETTE) return bands === 1 && !isReadable(info);
  if (bits !== 8) return false;
  return photometric === RGB ? bands === 3 || bands === 4 : photometric === CMYK || photometric === YCBCR;
}

/** Whether options ask for samples, and the samples are to be had. */
function wantsBands(info: RasterInfo, { bands, stretch }: TiffOptions): boolean {
  return (bands ?? stretch) != null && info.photometric <= RGB && isReadable(info);
}

function fail(error: unknown, { whole }: Raster): never {
  const reason = (error as Error).message.split("\n")[0];
  if (!whole) throw new RasterError("TRUNCATED", `Image data ends early (${reason})`, { cause: error });
  throw new RasterError("CORRUPT", `Image cannot be decoded (${reason})`, { cause: error });
}

function withChannels(image: RgbImage | DecodeFailure, options: TiffOptions): RgbImage | DecodeFailure {
  if (isFailure(image)) return image;
  const failure = chooseChannels(image.pixels, options, "this TIFF");
  return isFailure(failure) ? failure : image;
}

/** The colours that the numbers stand for. */
async function readPalette(raster: Raster, { bands, stretch }: TiffOptions): Promise<RgbImage> {
  const { info } = raster;
  const colours = raster.palette;
  const count = 2 ** info.bits;
  if (info.kind !== "uint" || info.bits > 16 || colours?.length !== 3 * count) throw unread(info);
  if ((bands ?? stretch) != null) {
    throw new RasterError(
      "FORMAT",
      "TIFF with a palette holds numbers of colours: `bands` and `stretch` have no use for them",
    );
  }
  const { width, height } = info;
  const [indices] = await raster.read([0], { x: 0, y: 0, width, height });
  // Some writers give 8 bits where 16 are due.
  const shift = colours.some((value) => value > 255) ? 8 : 0;
  const pixels = new Uint8Array(width * height * 3);
  for (let i = 0; i < indices.length; i++) {
    for (let c = 0; c < 3; c++) pixels[3 * i + c] = colours[c * count + indices[i]] >> shift;
  }
  return { width, height, pixels };
}

function unread(info: RasterInfo): RasterError {
  const what = [namePhotometric(info.photometric), sampleType(info), nameCompression(info.compression)].join(", ");
  const apart = info.planar ? ", planes apart" : "";
  return new RasterError(
    "FORMAT",
    `TIFF of this kind is not read (${what}${apart}); convert it to RGB (gdal_translate)`,
  );
}
