/** TuningSource: the tiles of a fine-tuning as its network takes them, in any order, batch by batch. */
import type { AugmentationRanges } from "../decode/augmentation.js";
import type { NetworkInput } from "./engine.js";

/** How tiles are altered. The draw of a tile depends on `stream`, the tile's row and nothing else. */
export interface Altered extends AugmentationRanges {
  stream: readonly [seed: number, ...rest: number[]];
}

/** Its arrays are valid until the next batch. */
export interface SourceBatch {
  /** Rows of the tiles. */
  rows: Uint32Array;
  tiles: NetworkInput;
  /** Tiles that were not altered, under an element of the dihedral group; in memory that the next call uses again. */
  turned(view: number): NetworkInput;
}

export interface TuningSource {
  /** @throws InputError if a tile can no longer be decoded; InterruptedError on abort */
  read(rows: Uint32Array, altered?: Altered): AsyncGenerator<SourceBatch, void, undefined>;
}
