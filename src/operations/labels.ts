/** `labels import`: label files of any format to the plain CSV. */
import { checkKinds, type OptionKinds } from "../check.js";
import { type CsvOptions, toCsv } from "../files/csv.js";
import { checkOutput } from "../files/output.js";
import { writePieces } from "../files/write.js";
import { sameTags } from "../labels/collect.js";
import { tellLabels } from "../labels/describe.js";
import { readLabels } from "../labels/formats.js";
import { withoutExtension } from "../labels/names.js";
import { type LabelOptions, labelOptions } from "../labels/options.js";
import type { Doubt, LabelRow, LabelTable, Recognised } from "../labels/table.js";
import type { RunContext } from "../run-context.js";

export interface ImportLabelsOptions extends LabelOptions, CsvOptions {
  /** A label file of any format, or a folder of a folder for each tag; the options on labels say how to read it. */
  file: string;
  /** Label CSV to write. */
  out: string;
  /** Label file to begin with: imported tiles replace its rows or follow them. @default none */
  labels?: string | undefined;
  /** Name of the Label Studio control to read. @default all choices */
  control?: string | undefined;
  /** Replace `out`, which may be `labels` itself. @default false */
  overwrite?: boolean | undefined;
}

/** Keys are those of `--json`, in camelCase, and stable. */
export interface ImportLabelsSummary {
  out: string;
  /** Rows of `out`. */
  tiles: number;
  /** Rows that `labels` did not have, that had other tags there, and that had the same. */
  added: number;
  changed: number;
  confirmed: number;
  /** Tiles of the file without labels: they are left out. */
  unlabelled: number;
  /** Tiles of the file that are labelled with no tag at all. */
  untagged: number;
  /** All tags of `out`, sorted. */
  tags: string[];
  /** What the file was recognised as. */
  recognised: Recognised;
}

const OPTIONS: OptionKinds<ImportLabelsOptions> = {
  file: "string",
  out: "string",
  labels: "string?",
  control: "string?",
  overwrite: "boolean?",
  escapeFormulas: "boolean?",
  labelFormat: true,
  labelColumns: true,
  tagSeparator: "string?",
  split: "string?",
};

/**
 * Writes the labels of a file of any format as the plain CSV.
 * @throws InputError for files that are not there or hold no labels; FormatError, naming the place, for damaged ones
 */
export async function importLabels(
  options: ImportLabelsOptions,
  context: RunContext = {},
): Promise<ImportLabelsSummary> {
  checkKinds(options, OPTIONS);
  const { file, out, control } = options;
  await checkOutput(out, options.overwrite);
  const imported = await readLabels(file, { ...labelOptions(options), control });
  tellLabels(options.labels === undefined ? imported : { ...imported, doubts: doubtsOfPart(imported) }, context);
  const base = options.labels === undefined ? [] : (await readLabels(options.labels)).rows;
  const { before, after, rows } = mergeRows(base, imported.rows);
  await writePieces(out, csvOf(rows, options));
  const confirmed = [...after].filter(
    ([name, tags]) => before.has(name) && sameTags(tags, before.get(name) ?? []),
  ).length;
  const added = [...after.keys()].filter((name) => !before.has(name)).length;
  return {
    out,
    tiles: rows.size,
    added,
    changed: after.size - added - confirmed,
    confirmed,
    unlabelled: imported.doubts.find(({ code }) => code === "UNLABELLED")?.count ?? 0,
    untagged: imported.recognised.untagged,
    tags: [...new Set([...rows.values()].flat())].sort(),
    recognised: imported.recognised,
  };
}

/** Corrections are a part of the labels, in which few tiles have a tag. */
function doubtsOfPart({ doubts }: LabelTable): Doubt[] {
  return doubts.filter(({ code }) => code !== "ONE_TAG" && code !== "SINGLE_TILE_TAGS");
}

type Rows = Map<string, readonly string[]>;

/** By name; by path if two tiles have the same name. */
function mergeRows(
  base: readonly LabelRow[],
  imported: readonly LabelRow[],
): { before: Rows; after: Rows; rows: Rows } {
  const distinct = [base, imported].every((rows) => new Set(rows.map(({ name }) => name)).size === rows.length);
  const toRows = (rows: readonly LabelRow[]): Rows =>
    new Map(rows.map(({ name, path, tags }) => [distinct ? name : withoutExtension(path), tags]));
  const [before, after] = [toRows(base), toRows(imported)];
  return { before, after, rows: new Map([...before, ...after]) };
}

function* csvOf(rows: Rows, { escapeFormulas }: CsvOptions): Generator<string> {
  yield "image_name,tags\n";
  for (const [name, tags] of rows) yield toCsv([[name, tags.join(" ")]], { escapeFormulas });
}
