/** Labels as tables that other programs read: the plain CSV, a column for each tag, JSON lines. */
import { dirname, relative, resolve } from "node:path";
import { type CsvOptions, toCsv } from "../files/csv.js";
import { isRemote } from "../remote/address.js";
import type { Tile } from "../tiles/tile.js";
import { absoluteLocation, type CuratedTile } from "./curated-tile.js";

export const LABEL_TABLES = ["csv", "multi-hot", "jsonl"] as const;
type LabelTableFormat = (typeof LABEL_TABLES)[number];

interface LabelTableOptions extends CsvOptions {
  /** All tags: the columns of `multi-hot`. */
  tags: readonly string[];
  /** The file to write: JSON lines name pictures relative to its folder, as Hugging Face expects. */
  out: string;
  /** See namesFor. */
  nameOf: (tile: Tile) => string;
}

/** The text of the table, in pieces. Tags are the labels, or the prediction if there are none. */
export function* labelTableText(
  format: LabelTableFormat,
  tiles: readonly CuratedTile[],
  { tags, out, nameOf, escapeFormulas }: LabelTableOptions,
): Generator<string> {
  if (format === "csv") yield "image_name,tags\n";
  if (format === "multi-hot") yield toCsv([["image_name", ...tags]], { escapeFormulas });
  for (const tile of tiles) {
    const own = tile.labels ?? tile.prediction?.tags ?? [];
    if (format === "csv") yield toCsv([[nameOf(tile.tile), own.join(" ")]], { escapeFormulas });
    else if (format === "multi-hot") {
      const has = new Set(own);
      yield toCsv([[nameOf(tile.tile), ...tags.map((tag) => (has.has(tag) ? 1 : 0))]], { escapeFormulas });
    } else yield `${JSON.stringify({ file_name: fileName(tile, out), tags: own })}\n`;
  }
}

function fileName({ tile }: CuratedTile, out: string): string {
  const place = absoluteLocation(tile);
  return isRemote(place) ? place : relative(dirname(resolve(out)), place);
}
