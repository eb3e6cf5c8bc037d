/** piscina entry: some samples of each tile of a chunk that is a raster of bands. */
import { RasterError, type RasterInfo, type Samples } from "../raster/raster.js";
import { refuseIfStopped } from "../stop-flag.js";
import { firstBands } from "./bands.js";
import { readTileBytes } from "./bytes.js";
import { type Bands, DECODE_DEFAULTS, isFailure, type PictureSource } from "./decoder.js";
import { askedSharpPixels, pixelsOfWork } from "./memory.js";
import { isPng16, sniffFormat } from "./sniff.js";

export interface RasterSample {
  info: RasterInfo;
  /** Valid samples of each band used. */
  values: Float64Array[];
}

interface SampleTask {
  items: PictureSource[];
  bands: Bands | null;
  stop?: SharedArrayBuffer;
}

/** Samples of a band that are kept of a tile. */
const PER_TILE = 4096;
/** Rows read in the middle of a tile: measuring must not read a whole scene. */
const ROWS = 1024;

/** Null for a tile without bands, and for one that cannot be read. */
export async function sampleChunk({ items, bands, stop }: SampleTask): Promise<(RasterSample | null)[]> {
  const samples: (RasterSample | null)[] = [];
  for (const tile of items) {
    refuseIfStopped(stop);
    const bytes = readTileBytes(tile);
    samples.push(isFailure(bytes) ? null : await sampleTile(bytes, bands));
  }
  return samples;
}

async function sampleTile(bytes: Uint8Array, chosen: Bands | null): Promise<RasterSample | null> {
  try {
    const raster = await openBands(bytes);
    if (raster === undefined) return null;
    const { info } = raster;
    const bands = chosen ?? firstBands(info);
    if (info.photometric > 2 || bands.some((band) => band > info.bands)) return null;
    const height = Math.min(info.height, ROWS);
    const window = { x: 0, y: (info.height - height) >> 1, width: info.width, height };
    const samples = await raster.read(
      bands.map((band) => band - 1),
      window,
    );
    return { info: plainInfo(info), values: samples.map((band) => thin(band, info.nodata)) };
  } catch (error) {
    if (error instanceof RasterError) return null;
    throw error;
  }
}

/** What a TIFF's or a PNG's bands are read from; undefined for all other pictures. Libraries are loaded when needed. */
async function openBands(bytes: Uint8Array) {
  const format = sniffFormat(bytes);
  if (format === "tiff") {
    const { bytesSource, openRaster } = await import("../raster/open.js");
    return openRaster(bytesSource(bytes));
  }
  if (format !== "png" || !isPng16(bytes)) return undefined;
  const { openPng16 } = await import("./png16.js");
  const { maxPixels, onTruncated } = DECODE_DEFAULTS;
  return openPng16(bytes, { maxPixels: askedSharpPixels(maxPixels), workPixels: pixelsOfWork(maxPixels), onTruncated });
}

/** Without the places of its blocks, which nobody needs in another thread. */
function plainInfo(info: RasterInfo): RasterInfo {
  const { width, height, bands, alphaBands, kind, bits, photometric, compression } = info;
  const { planar, tiled, blockWidth, blockHeight, nodata, orientation } = info;
  const samples = { bands, alphaBands, kind, bits, photometric, compression, nodata, orientation };
  return { width, height, ...samples, planar, tiled, blockWidth, blockHeight };
}

function thin(samples: Samples, nodata: number | undefined): Float64Array {
  const step = Math.max(1, Math.floor(samples.length / PER_TILE));
  const none = samples instanceof Float32Array && nodata !== undefined ? Math.fround(nodata) : nodata;
  const kept: number[] = [];
  for (let i = 0; i < samples.length; i += step) {
    if (samples[i] !== none && Number.isFinite(samples[i])) kept.push(samples[i]);
  }
  return Float64Array.from(kept);
}
