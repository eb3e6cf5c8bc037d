/** What the loader yields: some tiles, and their pixels in one slot. */
import type { DecodeOutcome } from "../decode/decoder.js";
import type { Tile } from "../tiles/tile.js";
import type { Slot } from "./slot-ring.js";

export interface Batch {
  /** 0 for the first batch of the source. */
  index: number;
  tiles: Tile[];
  slot: Slot;
  /**
   * `[tiles.length, size, size, 3]` uint8 RGB, a view of the slot: valid until `release()`. The content at a rejected
   * tile's place is undefined.
   */
  pixels: Uint8Array;
  /** `outcomes[i]` is undefined if tile i was decoded. */
  outcomes: DecodeOutcome[];
  /** Gives the slot back; further calls do nothing. */
  release(): void;
}
