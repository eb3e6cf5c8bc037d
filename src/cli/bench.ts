/**
 * `canopy bench preprocess|predict|train`: how fast canopy is here, compared with its upper limit and with other tools.
 */
import type { Argv, CommandModule } from "yargs";
import type { PageEntry } from "../bench/page-text.js";
import type { DeviceChoice } from "../features/device.js";
import type { Precision } from "../quantise/precision.js";
import { describePredict, describePreprocess, describeTrain } from "./bench-text.js";
import { type CommandResult, DEVICE, type GlobalArguments, runCommand } from "./common.js";

export const command = "bench";
export const describe = "Measure preprocessing, prediction and training on this machine";

export function builder(yargs: Argv): Argv {
  return yargs
    .command([preprocess, predict, train] as unknown as CommandModule[])
    .demandCommand(1, "Name what to measure: preprocess, predict or train.")
    .example(
      "$0 bench preprocess train-jpg",
      "How fast these very tiles become pixels, and who gets their colours right",
    );
}

/** One of the commands inside has run by now. */
export function handler(): void {}

interface BenchArguments extends GlobalArguments {
  input: string[] | undefined;
  repeats: number | undefined;
  limit: number | undefined;
  size: number | undefined;
  update: string | undefined;
  title: string | undefined;
}

interface PreprocessArguments extends BenchArguments {
  seconds: number | undefined;
  workers: number | undefined;
}

interface BackboneArguments extends BenchArguments {
  backbone: string | undefined;
  device: DeviceChoice;
  seconds: number | undefined;
}

interface PredictArguments extends BackboneArguments {
  precision: string | undefined;
  "batch-size": string | undefined;
  workers: number | undefined;
}

interface TrainArguments extends BackboneArguments {
  rows: number | undefined;
  stored: number | undefined;
  finetune: boolean;
}

const preprocess: CommandModule<GlobalArguments, PreprocessArguments> = {
  command: "preprocess [input..]",
  describe: "Files to pixels, against libjpeg-turbo alone, sharp, Pillow and OpenCV; and whose colours are right",
  builder: (yargs) =>
    withBenchOptions(yargs, 600)
      .option("size", { type: "number", requiresArg: true, describe: "Pixels per side of the result (default: 224)" })
      .option("seconds", { type: "number", requiresArg: true, describe: "Measuring time, about (default: 30)" })
      .option("workers", { type: "number", requiresArg: true, describe: "Up to this many (default: one per core)" })
      .example("$0 bench preprocess", "On generated tiles")
      .example("$0 bench preprocess train-jpg --json", "On your own, with every sample") as Argv<PreprocessArguments>,
  handler: (argv) =>
    runBench(argv, async (context) => {
      const { benchPreprocess } = await import("../bench/preprocess.js");
      const numbers = numbersOf(argv, ["size", "seconds", "repeats", "workers", "limit"]);
      const report = await benchPreprocess({ inputs: argv.input, ...numbers }, context);
      return { entry: { kind: "preprocess", title: titleOf(argv), report }, text: describePreprocess(report) };
    }),
};

const predict: CommandModule<GlobalArguments, PredictArguments> = {
  command: "predict [input..]",
  describe: "Files to features, against ONNX Runtime alone, by batch size and workers; and all of predict",
  builder: (yargs) =>
    withBackboneOptions(withBenchOptions(yargs, 480))
      .option("batch-size", { type: "string", requiresArg: true, describe: "Batch sizes to measure, such as 4,8,16" })
      .option("workers", { type: "number", requiresArg: true, describe: "Up to this many decode workers" })
      .option("precision", {
        type: "string",
        requiresArg: true,
        describe: "fp32,int8 or fp32,fp16: compares the two in one run",
      })
      .example("$0 bench predict train-jpg --batch-size 8,16", "Two batch sizes only") as Argv<PredictArguments>,
  handler: (argv) =>
    runBench(argv, async (context) => {
      const { benchPredict } = await import("../bench/predict.js");
      const { input: inputs, backbone, device } = argv;
      const batchSizes = argv.batchSize === undefined ? undefined : String(argv.batchSize).split(",").map(Number);
      const numbers = numbersOf(argv, ["size", "seconds", "repeats", "workers", "limit"]);
      // Checked where it is used.
      const precisions = argv.precision?.split(",").map((each) => each.trim() as Precision);
      const report = await benchPredict({ inputs, backbone, device, batchSizes, precisions, ...numbers }, context);
      return { entry: { kind: "predict", title: titleOf(argv), report }, text: describePredict(report) };
    }),
};

const train: CommandModule<GlobalArguments, TrainArguments> = {
  command: "train [input..]",
  describe: "Training's parts: features from files, optimiser steps, L-BFGS to convergence",
  builder: (yargs) =>
    withBackboneOptions(withBenchOptions(yargs, 240))
      .option("rows", { type: "number", requiresArg: true, describe: "Made-up tiles for L-BFGS (default: 2000)" })
      .option("stored", {
        type: "number",
        requiresArg: true,
        describe: "Also train on this many made-up tiles streamed from disk (5 KB each, in the cache folder)",
      })
      .option("finetune", {
        type: "boolean",
        default: false,
        describe:
          "Also measure steps of fine-tuning MobileNetV2 (at --size, default: 128), and PyTorch's if a python3 has it",
      })
      .example("$0 bench train", "")
      .example(
        "$0 bench train --stored 1000000 --repeats 1",
        "A million tiles: time and memory",
      ) as Argv<TrainArguments>,
  handler: (argv) =>
    runBench(argv, async (context) => {
      const { benchTrain } = await import("../bench/train.js");
      const { input: inputs, backbone, device, finetune } = argv;
      const numbers = numbersOf(argv, ["size", "seconds", "repeats", "rows", "stored", "limit"]);
      const report = await benchTrain({ inputs, backbone, device, finetune, ...numbers }, context);
      return { entry: { kind: "train", title: titleOf(argv), report }, text: describeTrain(report) };
    }),
};

/** What every benchmark takes. */
function withBenchOptions<T>(yargs: Argv<T>, limit: number) {
  return yargs
    .positional("input", {
      type: "string",
      array: true,
      describe: "Folder, files, archives, @list.txt or - (default: generated tiles)",
    })
    .option("repeats", { type: "number", requiresArg: true, describe: "Rounds, over which medians are taken" })
    .option("limit", {
      type: "number",
      requiresArg: true,
      describe: `Use at most this many tiles, evenly spread over the input (default: ${limit})`,
    })
    .option("update", {
      type: "string",
      requiresArg: true,
      describe: "Put the results into this Markdown page, with its data and charts beside it",
    })
    .option("title", { type: "string", requiresArg: true, describe: "What the page is to call these tiles" });
}

function withBackboneOptions<T>(yargs: Argv<T>) {
  return yargs
    .option("backbone", {
      type: "string",
      requiresArg: true,
      describe: "Name or FILE.onnx (default: the one in the box)",
    })
    .option("size", { type: "number", requiresArg: true, describe: "Pixels per side (default: the backbone's)" })
    .option("seconds", {
      type: "number",
      requiresArg: true,
      describe: "Each rate is timed at least so long in each round (default: 2)",
    })
    .option("device", { ...DEVICE, describe: "Where the backbone runs" });
}

type Operation = Parameters<typeof runCommand>[1];

function runBench(
  argv: BenchArguments,
  measure: (context: Parameters<Operation>[0]) => Promise<{ entry: PageEntry; text: string }>,
): Promise<void> {
  return runCommand(argv, async (context): Promise<CommandResult> => {
    const { checkPagePath, updatePage } = await import("../bench/page.js");
    if (argv.update !== undefined) checkPagePath(argv.update);
    const { entry, text } = await measure(context);
    if (argv.update !== undefined) await updatePage(argv.update, entry);
    return { json: entry.report, text };
  });
}

/** Without a title, local paths stay out of the page. */
function titleOf({ title, input }: BenchArguments): string {
  return title ?? (input === undefined || input.length === 0 ? "Generated tiles" : "Own tiles");
}

function numbersOf<Name extends string>(
  argv: { [N in Name]: number | undefined },
  names: readonly Name[],
): Record<Name, number | undefined> {
  const entries = names.map((name) => [name, argv[name]]);
  return Object.fromEntries(entries) as Record<Name, number | undefined>;
}
