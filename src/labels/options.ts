/** Options for reading a label file. */
import { checkOneOf } from "../check.js";
import { InputError, OptionError } from "../errors.js";
import { checkSeparator, type Separator } from "./separators.js";

export const LABEL_FORMATS = [
  "csv",
  "tsv",
  "multi-hot",
  "long",
  "jsonl",
  "json",
  "parquet",
  "coco",
  "label-studio",
  "fiftyone",
  "webdataset",
  "folders",
] as const;
export type LabelFormatName = (typeof LABEL_FORMATS)[number];

/** Options on how labels are read; everything is recognised by default. docs/labels.md has the formats. */
export interface LabelOptions {
  /**
   * `multi-hot` is a table with a column for each tag, `long` one with a row for each tag of a tile, `folders` a folder for each tag.
   * @default recognised
   */
  labelFormat?: LabelFormatName | undefined;
  /** The column of tiles' names, then those of tags: by their names, or by numbers from 1. @default recognised */
  labelColumns?: readonly (string | number)[] | undefined;
  /** What separates tags in a cell: `space`, `comma`, `semicolon`, `pipe`, `tab`, `none`, `list`, or the text itself. @default recognised */
  tagSeparator?: Separator | undefined;
  /** The column that says which tiles are for training, for validation and for testing. @default none is used */
  split?: string | undefined;
}

/** The options on labels among `options`. */
export function labelOptions({ labelFormat, labelColumns, tagSeparator, split }: LabelOptions): LabelOptions {
  return { labelFormat, labelColumns, tagSeparator, split };
}

/** For commands that need no labels. @throws OptionError for an option on labels that are not there */
export function checkLabelsGiven(options: LabelOptions & { labels?: string | undefined }): void {
  const given = Object.entries(labelOptions(options)).find(([, value]) => value !== undefined);
  if (options.labels !== undefined || given === undefined) return;
  throw new OptionError(`\`${given[0]}\` says how label files are read: give \`labels\`, or leave it out.`);
}

/** @throws OptionError for an invalid value */
export function checkLabelOptions({ labelFormat, labelColumns, tagSeparator, split }: LabelOptions): void {
  if (labelFormat !== undefined) checkOneOf("labelFormat", labelFormat, LABEL_FORMATS);
  if (tagSeparator !== undefined) checkSeparator(tagSeparator);
  if (split === "") throw new OptionError("Expected `split` to name a column, got an empty text.");
  if (labelColumns === undefined) return;
  if (labelColumns.length < 2 || labelColumns.some((column) => column === "")) {
    throw new OptionError(
      `Expected \`labelColumns\` to name the column of names and one or more of tags, got ${JSON.stringify(labelColumns.join(","))}.`,
    );
  }
}

/** For formats that are no tables. @throws InputError for an option that would be ignored */
export function refuseTableOptions(path: string, format: string, options: LabelOptions): void {
  const { labelFormat, labelColumns, tagSeparator, split } = options;
  const layout = labelFormat === "long" || labelFormat === "multi-hot" ? labelFormat : undefined;
  const given = Object.entries({ labelFormat: layout, labelColumns, tagSeparator, split }).find(
    ([, value]) => value !== undefined,
  );
  if (given === undefined) return;
  throw new InputError(`${path} is read as ${format}, which has no columns: leave out \`${given[0]}\`.`);
}
