/** Features of tile sets larger than memory: extracted into the store, and read from there in windows of rows. */
import { hash } from "node:crypto";
import { basename } from "node:path";
import type { DecodeOutcome } from "../decode/decoder.js";
import { ModelError } from "../errors.js";
import type { RunContext } from "../run-context.js";
import type { Tile } from "../tiles/tile.js";
import { type ExtractOptions, extractMissing } from "./extract.js";
import type { FeatureStore } from "./store.js";
import { tileKeys } from "./tile-key.js";

export interface StoredFeatures {
  rows: number;
  numFeatures: number;
  /** Rows per `read` that are fastest. */
  windowRows: number;
  /** `outcomes[i]` is undefined if tile i has features; otherwise its row is zeros. */
  outcomes: DecodeOutcome[];
  /** Changes with the tiles' files and with everything else that the features depend on. */
  fingerprint: string;
  decoded: number;
  cached: number;
  /** Rows `[start, start + count)`: `[count, numFeatures]` float32, the caller's own. `variant` is one of `options.variants`. */
  read(start: number, count: number, variant?: number): Promise<Float32Array>;
  /** Any rows, each of a variant of its own: `[rows, numFeatures]` float32, written into `target`. */
  pick(rows: Uint32Array, variants: ArrayLike<number>, target: Float32Array): void;
}

/** Bytes of features read at once. */
const WINDOW_BYTES = 64 << 20;

/**
 * Makes sure that the store has the features of `tiles`, decoding those that it lacks, without having all of them in
 * memory.
 * @throws InterruptedError on abort; ModelError if a session fails, or later from `read` if a row is damaged on disk.
 */
export async function extractToStore(
  tiles: readonly Tile[],
  options: ExtractOptions & { store: FeatureStore },
  context: RunContext = {},
): Promise<StoredFeatures> {
  const { store, variants = [0] } = options;
  const keys = await tileKeys(tiles);
  const missing = tilesWithout(store.find(keys, variants), variants.length);
  const outcomes: DecodeOutcome[] = new Array(tiles.length).fill(undefined);
  const progress = { outcomes, done: tiles.length - missing.length, rejected: 0 };
  const isGood = (i: number) => outcomes[i] === undefined;
  for await (const { positions } of extractMissing(tiles, missing, keys, progress, options, context)) {
    // What else is computed would be lost, too.
    if (!store.isWritable && positions.some(isGood)) throw cannotKeep(store);
  }
  const rows = store.find(keys, variants);
  if (tilesWithout(rows, variants.length).some(isGood)) throw cannotKeep(store);
  const cached = tiles.length - missing.length;
  const fingerprint = hash("sha256", Buffer.concat([Buffer.from(basename(store.folder)), keys]));
  return { ...toSource(store, rows, variants), outcomes, fingerprint, decoded: missing.length, cached };
}

/** The store's `rows` (`[tiles, variants]`, as its `find` gives them) in windows. */
export function toSource(
  store: FeatureStore,
  rows: Int32Array,
  variants: readonly number[] = [0],
): Pick<StoredFeatures, "rows" | "numFeatures" | "windowRows" | "read" | "pick"> {
  const { numFeatures } = store;
  const tiles = rows.length / variants.length;
  const windowRows = Math.max(1, Math.min(tiles, Math.floor(WINDOW_BYTES / (numFeatures * 4))));
  const rowOf = (tile: number, variant: number) => rows[tile * variants.length + columnOf(variants, variant)];
  const read = async (start: number, count: number, variant = variants[0]) => {
    const target = new Float32Array(count * numFeatures);
    const wanted = Int32Array.from({ length: count }, (_, i) => rowOf(start + i, variant));
    readWhole(store, wanted, target);
    return target;
  };
  const pick = (some: Uint32Array, chosen: ArrayLike<number>, target: Float32Array) => {
    const wanted = Int32Array.from(some, (tile, i) => rowOf(tile, chosen[i]));
    readWhole(store, wanted, target);
  };
  return { rows: tiles, numFeatures, windowRows, read, pick };
}

function cannotKeep({ folder }: FeatureStore): ModelError {
  const advice = "Set CANOPY_CACHE to a folder that has room and can be written to";
  return new ModelError(`Features cannot be kept in ${folder}: is its disk full, or read-only? ${advice}.`);
}

/** Tiles that lack a variant; `rows` is `[tiles, variants]`. */
function tilesWithout(rows: Int32Array, variants: number): number[] {
  const missing: number[] = [];
  for (let i = 0; i < rows.length; i += variants) {
    if (rows.subarray(i, i + variants).includes(-1)) missing.push(i / variants);
  }
  return missing;
}

function columnOf(variants: readonly number[], variant: number): number {
  const column = variants.indexOf(variant);
  if (column < 0) throw new RangeError(`Expected \`variant\` to be one of ${variants.join(", ")}, got ${variant}.`);
  return column;
}

function readWhole(store: FeatureStore, rows: Int32Array, target: Float32Array): void {
  if (store.read(rows, target).length === 0) return;
  throw new ModelError(
    `Features kept in ${store.folder} are damaged. Remove that folder and run again; they will be made anew.`,
  );
}
