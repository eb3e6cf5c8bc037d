/** The tiles a benchmark runs on: the user's own, or generated ones; as plain files, all of them JPEGs that decode. */
import { mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadBatches } from "../batch/loader.js";
import { SlotRing } from "../batch/slot-ring.js";
import { readTileBytes } from "../decode/bytes.js";
import { DECODE_DEFAULTS, isFailure, placeOf } from "../decode/decoder.js";
import { DecodePool } from "../decode/pool.js";
import { sniffFormat } from "../decode/sniff.js";
import { CanopyError, InputError } from "../errors.js";
import { synthesize } from "../operations/synth.js";
import type { RunContext } from "../run-context.js";
import { CompressedTiles } from "../tiles/compressed-tiles.js";
import { collectTiles } from "../tiles/sources.js";
import type { Tile } from "../tiles/tile.js";

export interface BenchTiles {
  /** One JPEG each. */
  paths: string[];
  /** Length of all files together. */
  bytes: number;
  /** Tiles of the input, before any were left out. */
  found: number;
  /** Tiles that were left out: no JPEG, or one that cannot be decoded. */
  unfit: number;
  generated: boolean;
  /** Removes what was made for the benchmark. */
  close(): Promise<void>;
}

interface BenchTilesOptions {
  /** Folders, files, `.tar` and `.zip` archives, `@list.txt` or `-`. @default none: tiles are generated */
  inputs?: readonly string[] | undefined;
  /** At most this many, evenly spread over the input. */
  limit: number;
}

/** Seed of the generated tiles, so that they are the same everywhere. */
const SEED = 1;

/** @throws InputError if no tile of the input is fit */
export async function openBenchTiles(
  { inputs = [], limit }: BenchTilesOptions,
  context: RunContext,
): Promise<BenchTiles> {
  const folder = await mkdtemp(join(tmpdir(), "canopy-bench-"));
  const cleanups = [() => rm(folder, { recursive: true, force: true })];
  const close = async () => {
    for (const cleanup of cleanups.splice(0)) await cleanup();
  };
  try {
    const generated = inputs.length === 0;
    const generatedFolder = join(folder, "tiles");
    if (generated) await synthesize({ count: limit, out: generatedFolder, seed: SEED }, context);
    const collected = await collectTiles(generated ? [generatedFolder] : inputs, { signal: context.signal });
    cleanups.push(collected.close);
    const compressed = new CompressedTiles(context);
    cleanups.push(() => compressed.close());
    const chosen = await compressed.load(spread(collected.tiles, limit));
    const fit = await keepFit(chosen, context);
    if (fit.length === 0) {
      throw new InputError(`There is nothing to measure with: none of ${chosen.length} tiles is a JPEG that decodes.`);
    }
    const paths = await Promise.all(fit.map((tile, i) => asPlainFile(tile, join(folder, `${i}.jpg`))));
    const sizes = await Promise.all(paths.map(async (path) => (await stat(path)).size));
    const bytes = sizes.reduce((sum, size) => sum + size, 0);
    const found = collected.tiles.length;
    return { paths, bytes, found, unfit: chosen.length - fit.length, generated, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** `count` items, evenly spread, or all if there are fewer. */
export function spread<T>(items: readonly T[], count: number): T[] {
  if (items.length <= count) return [...items];
  return Array.from({ length: count }, (_, i) => items[Math.floor((i * items.length) / count)]!);
}

/** Decodes them all once, which also brings the files into the page cache. */
async function keepFit(tiles: readonly Tile[], context: RunContext): Promise<Tile[]> {
  const jpegs = tiles.filter(isJpeg);
  const pool = new DecodePool({}, context);
  const size = 32;
  const ring = new SlotRing(2 * pool.workers + 2, 32 * size ** 2 * 3);
  const { signal } = context;
  const options = { decode: { ...DECODE_DEFAULTS, size }, batchSize: 32, ...(signal === undefined ? {} : { signal }) };
  const fit: Tile[] = [];
  let done = 0;
  try {
    for await (const batch of loadBatches(stream(jpegs), pool, ring, options)) {
      fit.push(...batch.tiles.filter((_, i) => batch.outcomes[i] === undefined));
      batch.release();
      done += batch.tiles.length;
      context.onProgress?.({ stage: "look", done, total: jpegs.length, rejected: done - fit.length });
    }
  } finally {
    await pool.close();
  }
  return fit;
}

function isJpeg(tile: Tile): boolean {
  const bytes = tile.failure ?? readTileBytes(placeOf(tile));
  return !isFailure(bytes) && sniffFormat(bytes) === "jpeg";
}

/** Other libraries read files, no members of archives and nothing on servers. */
async function asPlainFile(tile: Tile, copy: string): Promise<string> {
  if (tile.offset === undefined && tile.byteLength === undefined && tile.content === undefined) return tile.path;
  const bytes = readTileBytes(placeOf(tile));
  if (isFailure(bytes)) throw new CanopyError("BENCH", `${tile.path} changed while it was read: ${bytes.message}.`);
  await writeFile(copy, bytes);
  return copy;
}

async function* stream(tiles: readonly Tile[]): AsyncGenerator<Tile, void, undefined> {
  yield* tiles;
}
