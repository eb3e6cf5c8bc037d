/** Suggested tiles as plain tables: CSV, JSON lines, or one JSON list. */
import { type CsvOptions, toCsv } from "../files/csv.js";
import { formatFloat32 } from "../tags/rows.js";
import { tileLocation } from "../tiles/tile.js";
import { type CuratedTile, namesFor } from "./curated-tile.js";

export const TABLE_FORMATS = ["csv", "jsonl", "json"] as const;
type TableFormat = (typeof TABLE_FORMATS)[number];

/** The text of the file; see docs/curation.md. */
export function suggestionTable(format: TableFormat, tiles: readonly CuratedTile[], options: CsvOptions = {}): string {
  const nameOf = namesFor(tiles.map(({ tile }) => tile));
  const rows = tiles.map((tile) => ({ image_name: nameOf(tile.tile), ...toRow(tile) }));
  if (format === "json") return `${JSON.stringify(rows, null, 2)}\n`;
  if (format === "jsonl") return rows.map((row) => `${JSON.stringify(row)}\n`).join("");
  const header = ["image_name", "path", "score", "reason", "tags", "probabilities"];
  const cells = rows.map((row) => [
    row.image_name,
    row.path,
    row.score,
    row.reason,
    row.tags.join(" "),
    Object.entries(row.probabilities)
      .map(([tag, probability]) => `${tag}=${probability}`)
      .join(" "),
  ]);
  return toCsv([header, ...cells], options);
}

function toRow({ tile, prediction, suggestion, doubtful = [] }: CuratedTile) {
  const probability = (tag: string) => Number(formatFloat32(prediction?.probabilities?.get(tag) ?? 0));
  return {
    path: tileLocation(tile),
    score: suggestion?.score ?? 0,
    reason: suggestion?.reason ?? "",
    tags: prediction?.tags ?? [],
    probabilities: Object.fromEntries(doubtful.map((tag) => [tag, probability(tag)])),
  };
}
