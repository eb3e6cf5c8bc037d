/** `canopy inspect`: what is in a tile set, to see before training. */
import type { ArgumentsCamelCase, Argv } from "yargs";
import { type GlobalArguments, rasterOptions, runCommand, withBands, withDecodeOptions } from "./common.js";
import { describeReport } from "./inspect-text.js";
import { LABELS, toLabelOptions, withSplit } from "./label-options.js";

export const command = "inspect <input..>";
export const describe = "Say what a tile set holds, and what is wrong with it";

export function builder(yargs: Argv) {
  return withSplit(
    withBands(withDecodeOptions(yargs)),
    "Column of train, val and test: say how many tiles are for each",
  )
    .positional("input", {
      type: "string",
      array: true,
      demandOption: true,
      describe: "Folder, files, archives, @list.txt or - for paths on stdin",
    })
    .option("labels", {
      type: "string",
      requiresArg: true,
      describe: `${LABELS}, to compare the tiles with`,
    })
    .option("workers", { type: "number", requiresArg: true, describe: "Decoding threads (default: one per core)" })
    .option("strict", { type: "boolean", default: false, describe: "Exit with 3 if a tile cannot be read" })
    .example("$0 inspect train-jpg --labels train.csv", "Encodings, bad files, duplicates, tags");
}

type Arguments = Awaited<ReturnType<typeof builder>["argv"]> & GlobalArguments;

export async function handler(argv: ArgumentsCamelCase<Arguments>): Promise<void> {
  await runCommand(argv, async (context) => {
    const { inspect } = await import("../operations/inspect.js");
    const { input, labels, workers, colorspace, maxPixels, onTruncated } = argv;
    const decode = { colorspace, maxPixels, onTruncated, ...rasterOptions(argv) };
    const report = await inspect({ inputs: input, labels, ...toLabelOptions(argv), workers, ...decode }, context);
    return { json: report, text: describeReport(report), rejected: report.rejected };
  });
}
