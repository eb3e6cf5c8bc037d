/** What extraction yields: one batch of tiles with their features, in the order of the source. */
import type { DecodeOutcome } from "../decode/decoder.js";
import type { Tile } from "../tiles/tile.js";

export interface FeatureBatch {
  tiles: Tile[];
  /** `outcomes[i]` is undefined if tile i was decoded, else why it was rejected. */
  outcomes: DecodeOutcome[];
  /** `[tiles.length, numFeatures]` float32, row-major; rows of rejected tiles are zeros. Owned by the receiver. */
  features: Float32Array;
  /**
   * Gives the memory of `features` back for later batches; do not read it afterwards. Without this call it is
   * garbage-collected.
   */
  recycle(): void;
}
