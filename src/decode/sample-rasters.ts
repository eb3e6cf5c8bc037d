/** Some samples of some tiles: to measure a stretch, and to notice one that is missing. */
import { RasterError, type RasterInfo, type Samples } from "../raster/raster.js";
import type { Tile } from "../tiles/tile.js";
import { readTileBytes } from "./bytes.js";
import { type Bands, isFailure, placeOf } from "./decoder.js";
import { sniffFormat } from "./sniff.js";

interface RasterSample {
  tile: Tile;
  info: RasterInfo;
  /** Valid samples of each band used. */
  values: Float64Array[];
}

/** Samples of a band that are kept of a tile. */
const PER_TILE = 4096;
/** Rows read in the middle of a tile: measuring must not read a whole scene. */
const ROWS = 1024;

interface SampleOptions {
  bands: Bands | null;
  /** Tiles, taken at even distances. */
  most: number;
  signal?: AbortSignal | undefined;
}

/** Of those that are TIFFs and can be read; the same tiles give the same samples. */
export async function sampleRasters(tiles: readonly Tile[], options: SampleOptions): Promise<RasterSample[]> {
  const named = tiles.filter((tile) => tile.failure === undefined && isNamedTiff(tile));
  const step = Math.max(1, named.length / options.most);
  const samples: RasterSample[] = [];
  for (let at = 0; Math.floor(at) < named.length; at += step) {
    if (options.signal?.aborted) break;
    const sample = await sampleTile(named[Math.floor(at)], options.bands);
    if (sample !== undefined) samples.push(sample);
  }
  return samples;
}

/** Other tiles are not opened, which would take too long for a million JPEGs. */
function isNamedTiff({ path, member, content }: Tile): boolean {
  return content === undefined && /\.tiff?$/i.test(member ?? path);
}

async function sampleTile(tile: Tile, chosen: Bands | null): Promise<RasterSample | undefined> {
  const bytes = readTileBytes(placeOf(tile));
  if (isFailure(bytes) || sniffFormat(bytes) !== "tiff") return undefined;
  // Loaded when first needed, see sharp.ts.
  const [{ bytesSource, openRaster }, { firstBands }] = await Promise.all([
    import("../raster/open.js"),
    import("./tiff.js"),
  ]);
  try {
    const raster = await openRaster(bytesSource(bytes));
    const { info } = raster;
    const bands = chosen ?? firstBands(info);
    if (info.photometric > 2 || bands.some((band) => band > info.bands)) return undefined;
    const height = Math.min(info.height, ROWS);
    const window = { x: 0, y: (info.height - height) >> 1, width: info.width, height };
    const samples = await raster.read(
      bands.map((band) => band - 1),
      window,
    );
    return { tile, info, values: samples.map((band) => thin(band, info.nodata)) };
  } catch (error) {
    if (error instanceof RasterError) return undefined;
    throw error;
  }
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
