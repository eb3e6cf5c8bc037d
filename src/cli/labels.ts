/** `canopy labels import|export`: label files from and to labelling tools. */
import type { Argv, CommandModule } from "yargs";
import type { LabelOptions } from "../labels/options.js";
import type { ImportLabelsSummary } from "../operations/labels.js";
import type { ExportLabelsFormat, ExportLabelsSummary } from "../operations/labels-export.js";
import { ESCAPE_FORMULAS, type GlobalArguments, runCommand, withOverwrite } from "./common.js";
import { LABELS, toLabelOptions, withLabelOptions } from "./label-options.js";
import { describeConfig, withImageOptions } from "./label-studio.js";

export const command = "labels";
export const describe = "Convert label files: from any format to the plain CSV, and out to other tools";

export function builder(yargs: Argv): Argv {
  return yargs
    .command([importFile, exportFile] as unknown as CommandModule[])
    .demandCommand(1, "Name what to do: import or export.")
    .example("$0 labels import export.json --out labels.csv", "What people labelled, ready for train")
    .example(
      "$0 labels export --tiles tiles --labels labels.csv --format label-studio --out tasks.json",
      "Labels to look at and correct",
    );
}

/** One of the commands inside has run by now. */
export function handler(): void {}

/** As the command line has them. */
interface LabelArguments {
  labelFormat: LabelOptions["labelFormat"];
  labelColumns: string | undefined;
  tagSeparator: string | undefined;
}

interface ImportArguments extends GlobalArguments, LabelArguments {
  escapeFormulas: boolean;
  file: string;
  out: string;
  labels: string | undefined;
  control: string | undefined;
  overwrite: boolean;
}

const importFile: CommandModule<GlobalArguments, ImportArguments> = {
  command: "import <file>",
  describe: "A label file of any common format, or a labelling tool's export, to the plain CSV",
  builder: importOptions as never,
  handler: (argv) =>
    runCommand(argv, async (context) => {
      const { file, out, labels, control, overwrite, escapeFormulas } = argv;
      const given = { file, out, labels, control, overwrite, escapeFormulas, ...toLabelOptions(argv) };
      const summary = await (await import("../operations/labels.js")).importLabels(given, context);
      return { json: summary, text: describeImport(summary) };
    }),
};

function importOptions(yargs: Argv<GlobalArguments>) {
  return withLabelOptions(withOverwrite(yargs))
    .positional("file", { type: "string", demandOption: true, describe: LABELS })
    .option("out", {
      alias: "o",
      type: "string",
      demandOption: true,
      requiresArg: true,
      describe: "Label CSV to write",
    })
    .option("labels", {
      type: "string",
      requiresArg: true,
      describe: "Label file to begin with: imported tiles replace its rows or follow them",
    })
    .option("escape-formulas", ESCAPE_FORMULAS)
    .option("control", {
      type: "string",
      requiresArg: true,
      describe: "Label Studio control to read (default: all choices)",
    })
    .example("$0 labels import _classes.csv --out labels.csv", "A table of 0 and 1 to the plain CSV")
    .example(
      "$0 labels import export.json --labels train.csv --out train-2.csv",
      "The old labels, corrected and grown",
    );
}

interface ExportArguments extends GlobalArguments, LabelArguments {
  escapeFormulas: boolean;
  tiles: string[] | undefined;
  out: string;
  format: ExportLabelsFormat;
  labels: string | undefined;
  predictions: string | undefined;
  only: string | undefined;
  imageUrl: string | undefined;
  imageRoot: string | undefined;
  overwrite: boolean;
}

const exportFile: CommandModule<GlobalArguments, ExportArguments> = {
  command: "export",
  describe: "Labels, predictions or both, as a table or for a labelling tool",
  builder: exportOptions as never,
  handler: (argv) =>
    runCommand(argv, async (context) => {
      const { tiles, out, format, labels, predictions, only, imageUrl, imageRoot } = argv;
      const writing = { overwrite: argv.overwrite, escapeFormulas: argv.escapeFormulas };
      const given = { tiles, out, format, labels, predictions, only, imageUrl, imageRoot, ...writing };
      const { exportLabels } = await import("../operations/labels-export.js");
      const summary = await exportLabels({ ...given, ...toLabelOptions(argv) }, context);
      return { json: summary, text: describeExport(summary) };
    }),
};

function exportOptions(yargs: Argv<GlobalArguments>) {
  return withLabelOptions(withImageOptions(withOverwrite(yargs)))
    .option("tiles", {
      type: "string",
      array: true,
      requiresArg: true,
      describe: "INPUT: where the pictures are (for csv, multi-hot and jsonl not needed)",
    })
    .option("out", { alias: "o", type: "string", demandOption: true, requiresArg: true, describe: "File to write" })
    .option("format", {
      choices: ["csv", "multi-hot", "jsonl", "label-studio", "fiftyone"] as const,
      demandOption: true,
      describe: "A table (multi-hot: a column for each tag), or a labelling tool",
    })
    .option("labels", { type: "string", requiresArg: true, describe: LABELS })
    .option("predictions", { type: "string", requiresArg: true, describe: "CSV or JSON lines that predict wrote" })
    .option("escape-formulas", ESCAPE_FORMULAS)
    .option("only", {
      type: "string",
      requiresArg: true,
      describe: "CSV naming the tiles to export, in this order: MODEL_DIR/label-errors.csv",
    })
    .example(
      "$0 labels export --tiles tiles --labels labels.csv --only model/label-errors.csv --format label-studio --out tasks.json",
      "Labels that may be wrong, to be corrected",
    )
    .example("$0 labels export --labels labels.csv --format multi-hot --out table.csv", "A column for each tag")
    .example(
      "$0 labels export --tiles tiles --labels labels.csv --predictions tags.jsonl --format fiftyone --out samples.json",
      "Labels and predictions side by side",
    );
}

function describeImport({ out, tiles, added, changed, confirmed, unlabelled }: ImportLabelsSummary): string {
  return `${tiles} tiles: ${added} added, ${changed} changed, ${confirmed} confirmed; ${unlabelled} not labelled yet\n${out}`;
}

function describeExport({ out, tiles, labelled, predicted, labelConfig }: ExportLabelsSummary): string {
  return `${tiles} tiles: ${labelled} with labels, ${predicted} with predictions\n${out}${describeConfig(labelConfig)}`;
}
