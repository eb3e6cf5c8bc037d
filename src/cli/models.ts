/** `canopy models list|show|pull|import`: the backbones. */
import type { Argv, CommandModule } from "yargs";
import type { Normalisation } from "../models/file-model.js";
import type { ModelRecord } from "../operations/models.js";
import { type GlobalArguments, runCommand } from "./common.js";
import { printableLine } from "./printable.js";

export const command = "models";
export const describe = "List, show, download and import backbones";

export function builder(yargs: Argv): Argv {
  return yargs
    .command([list, show, pull, importFile] as unknown as CommandModule[])
    .demandCommand(1, "Name what to do: list, show, pull or import.")
    .example("$0 models list", "What there is, in the box and downloaded");
}

/** One of the commands inside has run by now. */
export function handler(): void {}

/** Characters of a description that `list` shows. */
const LINE = 72;

const operations = () => import("../operations/models.js");

const list: CommandModule<GlobalArguments, GlobalArguments> = {
  command: "list",
  describe: "List the backbones known by name",
  builder: (yargs) => yargs.example("$0 models list", ""),
  handler: (argv) =>
    runCommand(argv, async () => {
      const models = (await operations()).listBackbones();
      return { json: { models }, text: models.map(line).join("\n") };
    }),
};

const show: CommandModule<GlobalArguments, GlobalArguments & { name: string | undefined }> = {
  command: "show [name]",
  describe: "Show one backbone in full: where it is, licence, hash, sizes, scores",
  builder: (yargs) =>
    yargs
      .positional("name", { type: "string", describe: "Its name (default: the default backbone)" })
      .example("$0 models show imagenet", ""),
  handler: (argv) =>
    runCommand(argv, async () => {
      const { listBackbones, showBackbone } = await operations();
      const name = argv.name ?? listBackbones().find((each) => each.default)?.name ?? "untrained";
      const model = showBackbone(name);
      return { json: model, text: details(model) };
    }),
};

const pull: CommandModule<GlobalArguments, GlobalArguments & { name: string }> = {
  command: "pull <name>",
  describe: "Download a backbone, checked by size and SHA-256; again to go on where it was interrupted",
  builder: (yargs) =>
    yargs
      .positional("name", { type: "string", demandOption: true, describe: "Its name, see models list" })
      .example("$0 models pull imagenet", ""),
  handler: (argv) =>
    runCommand(argv, async (context) => {
      const model = await (await operations()).pullBackbone(argv.name, context);
      return { json: model, text: `${model.name} is here: ${model.path ?? "canopy builds it"}` };
    }),
};

interface ImportArguments extends GlobalArguments {
  file: string;
  name: string | undefined;
  input: string | undefined;
  output: string | undefined;
  layout: "NCHW" | "NHWC" | undefined;
  channels: "RGB" | "BGR" | undefined;
  normalisation: Normalisation | undefined;
  tokens: "class" | "mean" | undefined;
  overwrite: boolean;
}

const importFile: CommandModule<GlobalArguments, ImportArguments> = {
  command: "import <file>",
  describe: "Make a backbone of an ONNX network: cuts its classifier off and gives it a name",
  builder: importOptions,
  handler: (argv) =>
    runCommand(argv, async ({ onWarning, signal }) => {
      const { file, name, input, output, layout, channels, normalisation, tokens, overwrite } = argv;
      const given = { name, input, output, layout, channels, normalisation, tokens };
      const options = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
      const model = await (await operations()).importBackbone(file, { ...options, overwrite, onWarning, signal });
      return { json: model, text: `${details(model)}\nUse it with --backbone ${model.name}.` };
    }),
};

function importOptions(yargs: Argv<GlobalArguments>): Argv<ImportArguments> {
  return yargs
    .positional("file", {
      type: "string",
      demandOption: true,
      describe: "An image classifier or feature extractor, or the folder of a fine-tuned model",
    })
    .option("name", { type: "string", requiresArg: true, describe: "What to call it (default: the file's name)" })
    .option("input", { type: "string", requiresArg: true, describe: "Image input (default: the only one)" })
    .option("output", { type: "string", requiresArg: true, describe: "Value to take as features (default: found)" })
    .option("layout", { choices: ["NCHW", "NHWC"] as const, describe: "Order of the pixels (default: from the shape)" })
    .option("channels", { choices: ["RGB", "BGR"] as const, describe: "Order of the colours (default: RGB)" })
    .option("normalisation", {
      choices: ["imagenet", "tf", "unit", "raw"] as const,
      describe: "What the network sees: ImageNet mean and std, [-1, 1], [0, 1] or 0..255 (default: imagenet)",
    })
    .option("tokens", {
      choices: ["class", "mean"] as const,
      describe: "Of a network that ends in tokens: the class token, or the mean of all (default: class if it has one)",
    })
    .option("overwrite", { type: "boolean", default: false, describe: "Replace an import of the same name" })
    .example("$0 models import resnet50.onnx --normalisation imagenet", "");
}

function line(model: ModelRecord): string {
  const size = `${(model.bytes / 1e6).toFixed(1)} MB`.padStart(8);
  const mark = model.default ? "*" : " ";
  return `${mark} ${model.name.padEnd(16)} ${model.place.padEnd(14)} ${size}  ${String(model.defaultSize).padStart(4)} px  ${shorten(model.description)}`;
}

/** The first sentence, or as much of it as fits a line. */
function shorten(description: string): string {
  const [sentence = ""] = description.split(/[.:;](?: |$)/);
  return sentence.length <= LINE ? sentence : `${sentence.slice(0, sentence.lastIndexOf(" ", LINE))} ...`;
}

function details(model: ModelRecord): string {
  const rows: [string, string][] = [
    ["name", model.name + (model.default ? " (default)" : "")],
    ["what", model.description],
    ["licence", model.licence],
    ["where", model.path ?? (model.place === "built" ? "built by canopy when needed" : model.place)],
    ["source", model.url ?? "-"],
    ["size", `${model.bytes} bytes`],
    ["sha256", model.sha256],
    ["features", String(model.features)],
    ["tile size", tileSize(model)],
    ...model.scores.map((score): [string, string] => [
      score.metric,
      `${score.value} at ${score.size} px, ${score.measuredOn}`,
    ]),
  ];
  return rows.map(([key, value]) => `${key.padEnd(10)} ${printableLine(value)}`).join("\n");
}

function tileSize(model: ModelRecord): string {
  if (model.fixedSize !== null) return `${model.fixedSize} pixels only`;
  return `${model.defaultSize} pixels unless told otherwise; good: ${model.sizes.join(", ")}`;
}
