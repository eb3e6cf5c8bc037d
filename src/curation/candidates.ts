/** The candidates for suggestions from a stream of any length: only the most uncertain tiles are kept. */

import type { Tile } from "../tiles/tile.js";
import type { CuratedTile } from "./curated-tile.js";
import { CANDIDATES_PER_PICK, doubtOf, suggestTiles, uncertaintyOf } from "./suggest.js";

interface Candidate {
  /** Place in the input; decides between equal tiles. */
  order: number;
  tile: Tile;
  uncertainty: number;
  /** `[tags]` */
  probabilities: Float32Array;
  /** `[numFeatures]` */
  features: Float32Array;
}

/** Candidates so far, at most twice as many as are compared in the end. */
export interface CandidatePool {
  readonly count: number;
  readonly thresholds: Float32Array;
  candidates: Candidate[];
}

/** A pool to choose `count` tiles from. */
export function createCandidatePool(count: number, thresholds: Float32Array): CandidatePool {
  return { count, thresholds, candidates: [] };
}

/** Adds a tile if it is uncertain enough; its arrays are copied. */
export function addCandidate(pool: CandidatePool, candidate: Omit<Candidate, "uncertainty">): void {
  const most = pool.count * CANDIDATES_PER_PICK;
  const uncertainty = uncertaintyOf(candidate.probabilities, pool.thresholds);
  const { probabilities, features } = candidate;
  pool.candidates.push({
    ...candidate,
    uncertainty,
    probabilities: probabilities.slice(),
    features: features.slice(),
  });
  if (pool.candidates.length >= 2 * most) {
    pool.candidates = pool.candidates.sort((a, b) => b.uncertainty - a.uncertainty || a.order - b.order).slice(0, most);
  }
}

/**
 * The tiles to label, in the order to label them: uncertain, and unlike each other (suggestTiles). `tags` are the
 * model's, by column.
 */
export function chooseSuggestions(pool: CandidatePool, tags: readonly string[]): CuratedTile[] {
  const candidates = [...pool.candidates].sort((a, b) => a.order - b.order);
  if (candidates.length === 0) return [];
  const numFeatures = candidates[0].features.length;
  const features = { data: new Float32Array(candidates.length * numFeatures), rows: candidates.length, numFeatures };
  const probabilities = new Float32Array(candidates.length * tags.length);
  candidates.forEach((candidate, row) => {
    features.data.set(candidate.features, row * numFeatures);
    probabilities.set(candidate.probabilities, row * tags.length);
  });
  return suggestTiles(probabilities, pool.thresholds, features, pool.count).map(({ row }) =>
    toSuggestion(candidates[row], pool.thresholds, tags),
  );
}

/** Number of doubtful tags in a suggestion's reason, with their probabilities. */
const NAMED_TAGS = 3;

function toSuggestion(candidate: Candidate, thresholds: Float32Array, tags: readonly string[]): CuratedTile {
  const { tile, probabilities, uncertainty } = candidate;
  const byDoubt = tags
    .map((tag, column) => ({ tag, column, doubt: doubtOf(probabilities[column], thresholds[column]) }))
    .sort((a, b) => b.doubt - a.doubt || a.column - b.column)
    .slice(0, NAMED_TAGS);
  const given = tags.filter((_, column) => probabilities[column] >= thresholds[column]);
  const reasons = byDoubt.map(
    ({ tag, column }) => `${tag} ${probabilities[column].toFixed(2)} (given from ${thresholds[column].toFixed(2)})`,
  );
  return {
    tile,
    prediction: { tags: given, probabilities: new Map(tags.map((tag, column) => [tag, probabilities[column]])) },
    suggestion: { score: Number(uncertainty.toFixed(6)), reason: `unsure of ${reasons.join(", ")}` },
    doubtful: byDoubt.map(({ tag }) => tag),
  };
}
