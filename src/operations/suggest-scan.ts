/**
 * Goes through tiles in chunks: features through the cache, probabilities, and uncertain tiles into the pool of
 * candidates.
 */
import { inChunks } from "../chunks.js";
import { addCandidate, type CandidatePool } from "../curation/candidates.js";
import { restateInterrupt } from "../errors.js";
import type { Extractor } from "../features/extractor.js";
import type { Checkpoint } from "../head/checkpoint.js";
import { meanFeatures, toVariants } from "../head/variants.js";
import type { ProgressState, RunContext } from "../run-context.js";
import { scoreFeatures } from "../tags/prediction.js";
import { allRows } from "../tiles/split.js";
import type { Tile, TileSource } from "../tiles/tile.js";
import type { RejectedTile } from "../training/dataset.js";

/** Progress and counts of a run. */
export interface Scan {
  checkpoint: Checkpoint;
  extractor: Extractor;
  pool: CandidatePool;
  total: number;
  seen: number;
  labelled: number;
  decoded: number;
  cached: number;
  rejected: RejectedTile[];
}

export function startScan(checkpoint: Checkpoint, extractor: Extractor, pool: CandidatePool, total: number): Scan {
  return { checkpoint, extractor, pool, total, seen: 0, labelled: 0, decoded: 0, cached: 0, rejected: [] };
}

/** Tiles whose features are in memory at once. */
const CHUNK = 2048;

/**
 * Goes through all `tiles`, in chunks. Throws InterruptedError on abort, with the features made so far in the cache.
 */
export async function scanTiles(tiles: TileSource, scan: Scan, context: RunContext): Promise<void> {
  for await (const chunk of inChunks(tiles, CHUNK)) await scanChunk(chunk, scan, context);
}

/** The tiles that are not labelled; the others are counted. */
export async function* withoutLabelled(
  tiles: TileSource,
  isLabelled: (tile: Tile) => boolean,
  scan: Scan,
): AsyncGenerator<Tile> {
  for await (const tile of tiles) {
    if (isLabelled(tile)) scan.labelled++;
    else yield tile;
  }
}

/** Features and probabilities of a chunk; uncertain tiles go into the pool. */
async function scanChunk(chunk: readonly Tile[], scan: Scan, context: RunContext): Promise<void> {
  const { checkpoint, pool, seen } = scan;
  const rejectedBefore = scan.rejected.length;
  const onProgress = ({ done, rejected }: ProgressState) =>
    context.onProgress?.({
      stage: "features",
      done: seen + done,
      total: scan.total,
      rejected: rejectedBefore + rejected,
    });
  const extracted = await extractChunk(chunk, scan.extractor, { ...context, onProgress });
  const { numFeatures, outcomes } = extracted;
  const variants = extracted.features.map((data) => ({ data, rows: chunk.length, numFeatures }));
  const features = meanFeatures(toVariants(variants, chunk.length), allRows(chunk.length));
  const probabilities = await scoreFeatures(checkpoint, features);
  const numTags = checkpoint.tags.length;
  for (const [i, tile] of chunk.entries()) {
    const failure = outcomes[i];
    if (failure !== undefined) {
      scan.rejected.push({ tile, failure });
      continue;
    }
    addCandidate(pool, {
      order: seen + i,
      tile,
      probabilities: probabilities.subarray(i * numTags, (i + 1) * numTags),
      features: features.data.subarray(i * numFeatures, (i + 1) * numFeatures),
    });
  }
  scan.seen += chunk.length;
  scan.decoded += extracted.decoded;
  scan.cached += extracted.cached;
}

async function extractChunk(chunk: readonly Tile[], extractor: Extractor, context: RunContext) {
  const message = "Interrupted; the features made so far are cached, and the same command goes on from there.";
  return extractor.extract(chunk, context).catch(restateInterrupt(message));
}
