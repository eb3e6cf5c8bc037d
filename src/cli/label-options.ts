/** `--label-format`, `--label-columns`, `--tag-separator` and `--split`, as every command that reads labels takes them. */
import type { Argv } from "yargs";
import { LABEL_FORMATS, type LabelOptions } from "../labels/options.js";

/** What `--labels` names. */
export const LABELS = "Label file of any common format, or a folder of a folder for each tag (docs/labels.md)";

export function withLabelOptions<T>(yargs: Argv<T>) {
  return yargs
    .option("label-format", {
      choices: LABEL_FORMATS,
      describe: "The file (default: recognised)",
    })
    .option("label-columns", {
      type: "string",
      requiresArg: true,
      describe: "NAME,TAGS: the columns of tiles' names and of tags, by name or number (default: recognised)",
    })
    .option("tag-separator", {
      type: "string",
      requiresArg: true,
      describe:
        "What separates tags in a cell: space, comma, semicolon, pipe, none, list, or a text (default: recognised)",
    });
}

/** The same with `--split`. */
export function withSplit<T>(yargs: Argv<T>, describe: string) {
  return withLabelOptions(yargs).option("split", { type: "string", requiresArg: true, describe });
}

interface LabelArguments {
  labelFormat?: LabelOptions["labelFormat"];
  labelColumns?: string | undefined;
  tagSeparator?: string | undefined;
  split?: string | undefined;
}

export function toLabelOptions({ labelFormat, labelColumns, tagSeparator, split }: LabelArguments): LabelOptions {
  const columns = labelColumns?.split(",").map((column) => column.trim());
  return { labelFormat, labelColumns: columns, tagSeparator, split };
}
