/** openRaster: a TIFF's bands, by windows. */
import { decompress, isReadable } from "./codecs.js";
import { type Layout, readLayout } from "./directory.js";
import { nameCompression } from "./names.js";
import {
  type Raster,
  RasterError,
  type RasterInfo,
  type RasterSource,
  type Samples,
  sampleType,
  type Window,
} from "./raster.js";
import { allocate, bytesOf, bytesPerSample, canUnpack, unpack } from "./samples.js";

/** Bytes that a read may take by default: 12 for each of 33 million pixels, as for other pictures. */
const MOST_BYTES = 12 * 2 ** 25;

/**
 * Opens the first image of a TIFF. A read that would take more than `mostBytes` is refused: blocks that are not in the
 * file cost it nothing.
 * @throws RasterError if it is none, or is damaged
 */
export async function openRaster(source: RasterSource, mostBytes = MOST_BYTES): Promise<Raster> {
  const layout = await readLayout(source);
  return {
    info: layout,
    whole: isWhole(layout, source.byteLength),
    read: (bands, window) => {
      checkReadable(layout);
      checkMemory(layout, bands.length, window, mostBytes);
      return readWindow(source, layout, bands, window);
    },
    palette: layout.palette,
  };
}

export function bytesSource(bytes: Uint8Array): RasterSource {
  return { byteLength: bytes.length, read: async (offset, length) => bytes.subarray(offset, offset + length) };
}

function isWhole({ offsets, byteCounts }: Layout, byteLength: number): boolean {
  return Array.from(offsets).every((offset, i) => offset + (byteCounts?.[i] ?? 0) <= byteLength);
}

async function readWindow(
  source: RasterSource,
  layout: Layout,
  bands: readonly number[],
  window: Window,
): Promise<Samples[]> {
  const { blockWidth, blockHeight, planar } = layout;
  const targets = bands.map(() => allocate(layout, window.width * window.height));
  const lastRow = Math.ceil((window.y + window.height) / blockHeight);
  const lastColumn = Math.ceil((window.x + window.width) / blockWidth);
  for (let row = Math.floor(window.y / blockHeight); row < lastRow; row++) {
    for (let column = Math.floor(window.x / blockWidth); column < lastColumn; column++) {
      const block = { row, column };
      const together = planar ? undefined : await readBlock(source, layout, block, 0);
      for (const [i, band] of bands.entries()) {
        const samples = together ?? (await readBlock(source, layout, block, band));
        const from = planar ? { samples, step: 1, first: 0 } : { samples, step: layout.bands, first: band };
        copyBlock(layout, block, from, window, targets[i]);
      }
    }
  }
  return targets;
}

/** @throws RasterError if no band can be read */
export function checkReadable(info: RasterInfo): void {
  if (!isReadable(info)) {
    throw new RasterError(
      "FORMAT",
      `TIFF with ${nameCompression(info.compression)} is not read; convert it (gdal_translate -co COMPRESS=DEFLATE)`,
    );
  }
  if (!canUnpack(info)) {
    throw new RasterError("FORMAT", `TIFF of ${sampleType(info)} samples is not read; convert it (gdal_translate -ot)`);
  }
}

/** A block as it is stored and as samples, and what was asked for. */
function checkMemory(layout: Layout, bands: number, window: Window, mostBytes: number): void {
  const { blockWidth, blockHeight, planar } = layout;
  const block = blockWidth * blockHeight * (planar ? 1 : layout.bands);
  const bytes = (2 * block + window.width * window.height * bands) * bytesPerSample(layout);
  if (bytes <= mostBytes) return;
  throw new RasterError(
    "LIMIT",
    `Image needs ${bytes} bytes for a block of ${blockWidth}x${blockHeight} pixels and its rows, more than the ${mostBytes} that ` +
      "`maxPixels`, or what `memory` leaves, allows",
  );
}

interface BlockPlace {
  row: number;
  column: number;
}

/** Samples `[rows, blockWidth, bands]` of a block or, where planes are apart, `[rows, blockWidth]` of one band's. */
async function readBlock(
  source: RasterSource,
  layout: Layout,
  { row, column }: BlockPlace,
  band: number,
): Promise<Samples> {
  const { width, height, blockWidth, blockHeight, planar, bands, tiled, offsets, byteCounts } = layout;
  const [across, down] = [Math.ceil(width / blockWidth), Math.ceil(height / blockHeight)];
  const index = ((planar ? band : 0) * down + row) * across + column;
  const rows = tiled ? blockHeight : Math.min(blockHeight, height - row * blockHeight);
  const perPixel = planar ? 1 : bands;
  const length = bytesOf(layout, rows, perPixel);
  const offset = offsets[index];
  const count = byteCounts?.[index] ?? Math.max(0, source.byteLength - offset);
  // A block without data is a hole of a sparse file.
  if (count === 0 || offset === 0) return hole(layout, rows * blockWidth * perPixel);
  if (offset + count > source.byteLength)
    throw new RasterError("TRUNCATED", "Image data ends early (a block is cut off)");
  // Some writers fill up the last strip.
  const most = tiled ? length : bytesOf(layout, blockHeight, perPixel);
  const bytes = decompress(await source.read(offset, count), most, layout);
  if (bytes.length < length) throw new RasterError("CORRUPT", "Image cannot be decoded (a block has too few samples)");
  return unpack(bytes.subarray(0, length), layout, rows, perPixel);
}

/** Filled with "no data" or, as GDAL does, with the nearest sample to it. */
function hole(layout: Layout, count: number): Samples {
  const { kind, bits, nodata = 0 } = layout;
  if (kind === "float") return allocate(layout, count).fill(nodata);
  const [least, most] = kind === "int" ? [-(2 ** (bits - 1)), 2 ** (bits - 1) - 1] : [0, 2 ** bits - 1];
  return allocate(layout, count).fill(Math.min(most, Math.max(least, nodata || 0)));
}

interface Strided {
  samples: Samples;
  step: number;
  first: number;
}

/** Copies the common part of a block and the window. */
function copyBlock(
  { blockWidth, blockHeight }: Layout,
  { row, column }: BlockPlace,
  { samples, step, first }: Strided,
  window: Window,
  target: Samples,
): void {
  const [left, top] = [column * blockWidth, row * blockHeight];
  const firstX = Math.max(left, window.x);
  const lastX = Math.min(left + blockWidth, window.x + window.width);
  const lastY = Math.min(top + blockHeight, window.y + window.height);
  for (let y = Math.max(top, window.y); y < lastY; y++) {
    let from = ((y - top) * blockWidth + firstX - left) * step + first;
    let to = (y - window.y) * window.width + firstX - window.x;
    for (let x = firstX; x < lastX; x++, from += step) target[to++] = samples[from];
  }
}
