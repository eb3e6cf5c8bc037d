/** `canopy labels import|export`: label files from and to labelling tools. */
import type { Argv, CommandModule } from "yargs";
import type { ExportLabelsSummary, ImportLabelsSummary } from "../operations/labels.js";
import { type GlobalArguments, runCommand, withOverwrite } from "./common.js";
import { describeConfig, withImageOptions } from "./label-studio.js";

export const command = "labels";
export const describe = "Bring labels in from Label Studio or FiftyOne, or out to them";

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

const operations = () => import("../operations/labels.js");

interface ImportArguments extends GlobalArguments {
  file: string;
  out: string;
  labels: string | undefined;
  control: string | undefined;
  overwrite: boolean;
}

const importFile: CommandModule<GlobalArguments, ImportArguments> = {
  command: "import <file>",
  describe: "Label Studio's JSON export, or FiftyOne samples, to a label CSV",
  builder: importOptions as never,
  handler: (argv) =>
    runCommand(argv, async (context) => {
      const { file, out, labels, control, overwrite } = argv;
      const summary = await (await operations()).importLabels({ file, out, labels, control, overwrite }, context);
      return { json: summary, text: describeImport(summary) };
    }),
};

function importOptions(yargs: Argv<GlobalArguments>) {
  return withOverwrite(yargs)
    .positional("file", { type: "string", demandOption: true, describe: "JSON export" })
    .option("out", { type: "string", demandOption: true, requiresArg: true, describe: "Label CSV to write" })
    .option("labels", {
      type: "string",
      requiresArg: true,
      describe: "Label CSV to begin with: imported tiles replace its rows or follow them",
    })
    .option("control", {
      type: "string",
      requiresArg: true,
      describe: "Label Studio control to read (default: all choices)",
    })
    .example("$0 labels import export.json --out labels.csv", "")
    .example(
      "$0 labels import export.json --labels train.csv --out train-2.csv",
      "The old labels, corrected and grown",
    );
}

interface ExportArguments extends GlobalArguments {
  tiles: string[];
  out: string;
  format: "label-studio" | "fiftyone";
  labels: string | undefined;
  predictions: string | undefined;
  only: string | undefined;
  imageUrl: string | undefined;
  imageRoot: string | undefined;
  overwrite: boolean;
}

const exportFile: CommandModule<GlobalArguments, ExportArguments> = {
  command: "export",
  describe: "Labels, predictions or both, as Label Studio tasks or for FiftyOne",
  builder: exportOptions as never,
  handler: (argv) =>
    runCommand(argv, async (context) => {
      const { tiles, out, format, labels, predictions, only, imageUrl, imageRoot, overwrite } = argv;
      const options = { tiles, out, format, labels, predictions, only, imageUrl, imageRoot, overwrite };
      const summary = await (await operations()).exportLabels(options, context);
      return { json: summary, text: describeExport(summary) };
    }),
};

function exportOptions(yargs: Argv<GlobalArguments>) {
  return withImageOptions(withOverwrite(yargs))
    .option("tiles", { type: "string", array: true, demandOption: true, describe: "INPUT: where the pictures are" })
    .option("out", { type: "string", demandOption: true, requiresArg: true, describe: "JSON file to write" })
    .option("format", {
      choices: ["label-studio", "fiftyone"] as const,
      demandOption: true,
      describe: "For which tool",
    })
    .option("labels", { type: "string", requiresArg: true, describe: "Label CSV" })
    .option("predictions", { type: "string", requiresArg: true, describe: "CSV or JSON lines that predict wrote" })
    .option("only", {
      type: "string",
      requiresArg: true,
      describe: "CSV naming the tiles to export, in this order: MODEL_DIR/label-errors.csv",
    })
    .example(
      "$0 labels export --tiles tiles --labels labels.csv --only model/label-errors.csv --format label-studio --out tasks.json",
      "Probable label errors, to be corrected",
    )
    .example(
      "$0 labels export --tiles tiles --labels labels.csv --predictions tags.jsonl --format fiftyone --out samples.json",
      "Labels and predictions side by side",
    );
}

function describeImport({ out, tiles, added, changed, confirmed, unlabelled }: ImportLabelsSummary): string {
  return `${tiles} tiles: ${added} added, ${changed} changed, ${confirmed} confirmed; ${unlabelled} not labelled yet\n${out}`;
}

function describeExport({ out, tiles, labelled, predicted, label_config }: ExportLabelsSummary): string {
  return `${tiles} tiles: ${labelled} with labels, ${predicted} with predictions\n${out}${describeConfig(label_config)}`;
}
