/** Rows and rejects of a run that are not committed yet. */
import type { RowBatch } from "../engine/engine.js";
import type { Placed, RowFormat } from "../tags/rows.js";
import { type Tile, tileLocation } from "../tiles/tile.js";
import { TilesHash } from "../tiles/tile-list.js";
import type { Reject } from "./formats.js";
import type { PartContent } from "./parts.js";
import { isSpooled } from "./paths.js";

export class PartBuffer<Row extends object> {
  readonly #format: RowFormat<Placed & Row>;
  #rows: string[] = [];
  #rejects: Reject[] = [];
  #tilesHash = new TilesHash();
  #predicted = 0;

  constructor(format: RowFormat<Placed & Row>) {
    this.#format = format;
  }

  /** Tiles in it. */
  get tiles(): number {
    return this.#predicted + this.#rejects.length;
  }

  get rejected(): number {
    return this.#rejects.length;
  }

  add({ tiles, outcomes, rows }: RowBatch<Row>): void {
    const predictions: (Placed & Row)[] = [];
    this.#tilesHash.add(tiles);
    for (const [i, tile] of tiles.entries()) {
      const outcome = tile.failure ?? outcomes[i];
      if (outcome === undefined) predictions.push({ name: tile.name, path: displayPath(tile), ...rows[i] });
      else
        this.#rejects.push({ path: displayPath(tile), name: tile.name, code: outcome.code, message: outcome.message });
    }
    if (predictions.length > 0) this.#rows.push(this.#format.rows(predictions));
    this.#predicted += predictions.length;
  }

  /** Its content as part number `part`; the buffer is empty afterwards. */
  take(part: number, first: number): PartContent {
    const tilesSha256 = this.#tilesHash.digest();
    const rows = this.#rows.join("");
    const content = { part, first, predicted: this.#predicted, tilesSha256, rows, rejects: this.#rejects };
    this.#rows = [];
    this.#rejects = [];
    this.#tilesHash = new TilesHash();
    this.#predicted = 0;
    return content;
  }
}

/** A tar from standard input lies in the run folder only during the run; outputs call it `-`. */
function displayPath(tile: Tile): string {
  return isSpooled(tile.path) ? tileLocation({ ...tile, path: "-" }) : tileLocation(tile);
}
