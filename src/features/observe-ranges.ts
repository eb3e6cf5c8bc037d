/** The ranges of a backbone's values, observed on tiles. */
import type { DecodeOptions } from "../decode/decoder.js";
import { InputError } from "../errors.js";
import { observingModel } from "../quantise/observe.js";
import { type Ranges, rangesOf } from "../quantise/ranges.js";
import type { RunContext } from "../run-context.js";
import type { Tile } from "../tiles/tile.js";
import { extractFeatures } from "./extract.js";
import { openPipeline } from "./pipeline.js";
import { planPipeline } from "./plan.js";

interface ObserveOptions {
  /** The prepared float backbone. */
  model: Uint8Array;
  /** Pixels per side it is fed. */
  size: number;
  /** @default DECODE_DEFAULTS */
  decode?: Partial<Omit<DecodeOptions, "size">> | undefined;
  /** Decode threads. @default one per core */
  workers?: number | undefined;
}

/** With more tiles ranges hardly grow. */
const MOST_TILES = 256;

/**
 * The ranges over at most 256 of `tiles`, evenly spread. Throws an InputError if none of them can be decoded, a
 * ModelError if the backbone has nothing to quantise, InterruptedError on abort.
 */
export async function observeRanges(
  tiles: readonly Tile[],
  { model, size, decode, workers }: ObserveOptions,
  context: RunContext = {},
): Promise<Ranges> {
  const observing = observingModel(model);
  const numFeatures = 2 * observing.names.length;
  const plan = planPipeline({ device: "cpu", size, ...(workers !== undefined && { workers }) });
  const setup = { model: observing.model, size, numFeatures, sessions: plan.sessions };
  const { backbone, pool } = await openPipeline(setup, plan.workers, context);
  const observe = (some: readonly Tile[]) =>
    extractFeatures(some, { pool, backbone, ...plan, ...(decode && { decode }) }, context);
  try {
    const chosen = spread(tiles);
    const { features, outcomes } = await observe(chosen);
    const good = chosen.filter((_, i) => outcomes[i] === undefined);
    if (good.length === 0) {
      throw new InputError(`None of ${chosen.length} tiles could be decoded, so no ranges can be observed.`);
    }
    // Memory of rejected tiles holds anything, and a range is that of a whole run.
    const rows = good.length === chosen.length ? features[0] : (await observe(good)).features[0];
    return rangesOf(observing.names, rows);
  } finally {
    await Promise.all([pool.close(), backbone.close()]);
  }
}

/** At most MOST_TILES of them. */
function spread(tiles: readonly Tile[]): Tile[] {
  const count = Math.min(MOST_TILES, tiles.length);
  return Array.from({ length: count }, (_, i) => tiles[Math.floor((i * tiles.length) / count)]);
}
