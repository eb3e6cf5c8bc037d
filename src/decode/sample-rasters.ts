/** Some samples of some tiles: to measure a stretch, and to notice one that is missing. */
import { ChunkPool } from "../chunk-pool.js";
import { chunksOf } from "../chunks.js";
import { usableCores } from "../machine.js";
import { CompressedTiles } from "../tiles/compressed-tiles.js";
import type { Tile } from "../tiles/tile.js";
import { readTileBytes } from "./bytes.js";
import { type Bands, isFailure, type PictureSource, placeOf } from "./decoder.js";
import type { RasterSample } from "./sample-worker.js";
import { isPng16 } from "./sniff.js";

/** Tiles per task. */
const CHUNK = 8;
/** Bytes of a PNG up to its bit depth. */
const PNG_HEAD = 26;

interface SampleOptions {
  bands: Bands | null;
  /** Tiles, taken at even distances. */
  most: number;
  signal?: AbortSignal | undefined;
}

/**
 * Of those that are TIFFs, or PNGs of 16 bits, and can be read; the same tiles give the same samples. Worker threads
 * read them. Throws InterruptedError on abort.
 */
export async function sampleRasters(tiles: readonly Tile[], options: SampleOptions): Promise<RasterSample[]> {
  const { bands, most, signal } = options;
  const named = tiles.filter((tile) => tile.failure === undefined && mayHaveBands(tile));
  const places = (await unpacked(takeEvenly(named, most), signal)).map(placeOf).filter(isNoPng8);
  if (places.length === 0) return [];
  const file = new URL("./sample-worker.js", import.meta.url);
  const chunks = [...chunksOf(places, CHUNK)];
  const workers = Math.min(usableCores(), chunks.length);
  const pool = new ChunkPool<PictureSource, RasterSample | null>(file, "sampleChunk", workers, { bands }, signal);
  try {
    const samples = await Promise.all(chunks.map((chunk) => pool.run(chunk, () => null)));
    return samples.flat().filter((sample) => sample !== null);
  } finally {
    await pool.close();
  }
}

/** Without those that cannot be unpacked. */
async function unpacked(tiles: readonly Tile[], signal: AbortSignal | undefined): Promise<readonly Tile[]> {
  const compressed = new CompressedTiles({ ...(signal && { signal }) });
  try {
    return (await compressed.load(tiles)).filter(({ failure }) => failure === undefined);
  } finally {
    await compressed.close();
  }
}

/** Other tiles are not opened, which would take too long for a million JPEGs. */
function mayHaveBands({ path, member, content }: Tile): boolean {
  return content === undefined && /\.(tiff?|png)$/i.test(member ?? path);
}

function takeEvenly<T>(items: readonly T[], most: number): T[] {
  const step = Math.max(1, items.length / most);
  return Array.from({ length: Math.min(items.length, most) }, (_, i) => items[Math.floor(i * step)]);
}

/** A look at the first bytes spares sets of ordinary PNGs the threads. */
function isNoPng8(place: PictureSource): boolean {
  if ("path" in place && place.inflatedLength !== undefined) return true;
  const head = "bytes" in place ? place : { ...place, byteLength: Math.min(PNG_HEAD, place.byteLength ?? PNG_HEAD) };
  const bytes = readTileBytes(head);
  return !isFailure(bytes) && (bytes[0] !== 0x89 || isPng16(bytes));
}
