/** What a run has done and not yet committed. */

import type { TaggedBatch } from "../engine/engine.js";
import type { RowFormat } from "../tags/rows.js";
import { NO_STAMP, stampFile } from "../tiles/stamp.js";
import { type Tile, tileLocation } from "../tiles/tile.js";
import type { PartContent, Reject } from "./parts.js";
import { isSpooled } from "./paths.js";

export class PartBuffer {
  readonly #format: RowFormat;
  #rows: string[] = [];
  #rejects: Reject[] = [];
  #stamps: number[] = [];
  #predicted = 0;

  constructor(format: RowFormat) {
    this.#format = format;
  }

  /** Tiles in it. */
  get tiles(): number {
    return this.#predicted + this.#rejects.length;
  }

  get rejected(): number {
    return this.#rejects.length;
  }

  add({ tiles, outcomes, stamps, rows }: TaggedBatch): void {
    const predictions = [];
    for (const [i, tile] of tiles.entries()) {
      const outcome = tile.failure ?? outcomes[i];
      this.#stamps.push(stampTile(tile, stamps[i]));
      if (outcome === undefined) predictions.push({ name: tile.name, path: displayPath(tile), ...rows[i] });
      else
        this.#rejects.push({ path: displayPath(tile), name: tile.name, code: outcome.code, message: outcome.message });
    }
    if (predictions.length > 0) this.#rows.push(this.#format.rows(predictions));
    this.#predicted += predictions.length;
  }

  /** Its content as part number `part`; the buffer is empty afterwards. */
  take(part: number, first: number): PartContent {
    const stamps = Uint32Array.from(this.#stamps);
    const rows = this.#rows.join("");
    const content = { part, first, predicted: this.#predicted, rows, rejects: this.#rejects, stamps };
    this.#rows = [];
    this.#rejects = [];
    this.#stamps = [];
    this.#predicted = 0;
    return content;
  }
}

/** The copy of standard input is made anew by every process: its hash is known instead. A tile that crashed before was not read now. */
function stampTile(tile: Tile, stamp: number): number {
  if (isSpooled(tile.path)) return NO_STAMP;
  return tile.failure?.code === "CRASH" ? stampFile(tile.path) : stamp;
}

/** A tar from standard input lies in the run folder only while the run lasts: outside it is called `-`. */
function displayPath(tile: Tile): string {
  return isSpooled(tile.path) ? tileLocation({ ...tile, path: "-" }) : tileLocation(tile);
}
