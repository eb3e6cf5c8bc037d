/** Labels that may be wrong, for people: the table in a model's folder, and the report's list. */
import { type CsvOptions, toCsv } from "../files/csv.js";
import type { LabelErrors } from "../report/data.js";
import { formatFloat32 } from "../tags/rows.js";
import type { LabelMatrix } from "../tiles/label-matrix.js";
import { type Tile, tileLocation } from "../tiles/tile.js";
import type { LabelIssue } from "./label-issues.js";

interface LabelError {
  name: string;
  /** Where the tile is: its path, or `archive.tar#member`. */
  path: string;
  tag: string;
  /** Whether the tile is labelled with `tag`; the suggestion is the opposite. */
  given: boolean;
  /** Probability of the tag, by a head that has not seen the tile. */
  probability: number;
  /** Probability that the label is wrong; see LabelIssue. */
  score: number;
  /** All tags the tile is labelled with. */
  tags: string[];
}

/** The table's name in a model's folder. */
export const LABEL_ERRORS_FILE = "label-errors.csv";

/** Suspects kept in report.json: more than the tiles that the page shows, because a tile may have several. */
const MOST_REPORTED = 200;

/** `issues` with names instead of rows and columns, in their order; row i of `labels` is tile i. `nameOf`: see namesFor. */
export function toLabelErrors(
  issues: readonly LabelIssue[],
  tiles: readonly Tile[],
  labels: LabelMatrix,
  nameOf: (tile: Tile) => string,
): LabelError[] {
  return issues.map(({ row, tag, labelled, probability, score }) => ({
    name: nameOf(tiles[row]),
    path: tileLocation(tiles[row]),
    tag: labels.tags[tag],
    given: labelled,
    probability,
    score,
    tags: labels.tags.filter((_, column) => labels.data[row * labels.tags.length + column] === 1),
  }));
}

/** A header, also if there are none, and one line per label; see docs/curation.md. */
export function labelErrorsToCsv(errors: readonly LabelError[], options: CsvOptions = {}): string {
  const rows = [
    ["image_name", "path", "tag", "given", "probability", "score", "tags"],
    ...errors.map(({ name, path, tag, given, probability, score, tags }) => [
      name,
      path,
      tag,
      given ? 1 : 0,
      formatFloat32(probability),
      score.toFixed(6),
      tags.join(" "),
    ]),
  ];
  return toCsv(rows, options);
}

/** The report's part of them. */
export function toReportErrors(errors: readonly LabelError[]): LabelErrors {
  return {
    file: LABEL_ERRORS_FILE,
    count: errors.length,
    expected: errors.reduce((sum, { score }) => sum + score, 0),
    suspects: errors
      .slice(0, MOST_REPORTED)
      .map(({ name, tag, given, score, tags }) => ({ name, tag, given, score, tags })),
  };
}
