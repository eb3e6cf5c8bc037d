/** `canopy bench preprocess|predict|train`: how fast canopy is here, against what it could be and what others are. */
import type { Argv, CommandModule } from "yargs";
import type { BenchPreprocessOptions } from "../bench/preprocess.js";
import { describePreprocess } from "./bench-text.js";
import { type GlobalArguments, requireNumber, runCommand } from "./common.js";

export const command = "bench";
export const describe = "Measure preprocessing, prediction and training on this machine";

export function builder(yargs: Argv): Argv {
  return yargs
    .command([preprocess] as unknown as CommandModule[])
    .demandCommand(1, "Name what to measure: preprocess, predict or train.");
}

/** One of the commands inside has run by now. */
export function handler(): void {}

/** What every benchmark takes. */
function withBenchOptions<T>(yargs: Argv<T>) {
  return yargs
    .positional("input", {
      type: "string",
      array: true,
      describe: "Folder, files, .tar, @list.txt or - (default: generated tiles)",
    })
    .option("repeats", { type: "number", requiresArg: true, describe: "Rounds; medians are over them" })
    .option("limit", { type: "number", requiresArg: true, describe: "Use at most this many tiles (default: 600)" });
}

interface BenchArguments extends GlobalArguments {
  input: string[] | undefined;
  repeats: number | undefined;
  limit: number | undefined;
}

interface PreprocessArguments extends BenchArguments {
  size: number;
  seconds: number | undefined;
  workers: number | undefined;
}

const preprocess: CommandModule<GlobalArguments, PreprocessArguments> = {
  command: "preprocess [input..]",
  describe:
    "Files to pixels: stages, workers, libjpeg-turbo alone, sharp, Pillow, OpenCV, and whether colours are right",
  builder: (yargs) =>
    withBenchOptions(yargs)
      .option("size", { type: "number", default: 224, requiresArg: true, describe: "Pixels per side of the result" })
      .option("seconds", { type: "number", requiresArg: true, describe: "Measuring time, about (default: 30)" })
      .option("workers", {
        type: "number",
        requiresArg: true,
        describe: "Measure 1 to this many workers (default: one per core)",
      })
      .example("$0 bench preprocess", "On generated tiles")
      .example("$0 bench preprocess train-jpg --json", "On your own, with every sample") as Argv<PreprocessArguments>,
  handler: (argv) =>
    runCommand(argv, async (context) => {
      const { benchPreprocess } = await import("../bench/preprocess.js");
      const { input: inputs, size } = argv;
      const [seconds, repeats, workers, limit] = (["seconds", "repeats", "workers", "limit"] as const).map((name) =>
        requireNumber(name, argv[name]),
      );
      const options: BenchPreprocessOptions = { inputs, size, seconds, repeats, workers, limit };
      const report = await benchPreprocess(options, context);
      return { json: report, text: describePreprocess(report) };
    }),
};
