/** `canopy fix`: colour-corrected copies of tiles, for tools that read Planet's JPEGs wrongly. */
import type { ArgumentsCamelCase, Argv } from "yargs";
import {
  type GlobalArguments,
  rasterOptions,
  runCommand,
  withBands,
  withDecodeOptions,
  withOverwrite,
} from "./common.js";

export const command = "fix <input..>";
export const describe = "Write colour-corrected RGB copies of tiles";

export function builder(yargs: Argv) {
  return withOverwrite(withBands(withDecodeOptions(yargs)))
    .positional("input", {
      type: "string",
      array: true,
      demandOption: true,
      describe: "Folder, files, archives, @list.txt or - for paths on stdin",
    })
    .option("out", {
      alias: "o",
      type: "string",
      demandOption: true,
      requiresArg: true,
      describe: "Folder for the copies",
    })
    .option("format", {
      choices: ["png", "jpg"] as const,
      default: "png" as const,
      describe: "png keeps every pixel exactly; jpg is of quality 95",
    })
    .option("workers", { type: "number", requiresArg: true, describe: "Threads (default: one per core)" })
    .option("resume", { type: "boolean", default: false, describe: "Leave copies that are already there" })
    .option("strict", { type: "boolean", default: false, describe: "Exit with 3 if a tile was rejected" })
    .example("$0 fix train-jpg --out train-png", "What the tutorial does by hand");
}

type Arguments = Awaited<ReturnType<typeof builder>["argv"]> & GlobalArguments;

export async function handler(argv: ArgumentsCamelCase<Arguments>): Promise<void> {
  await runCommand(argv, async (context) => {
    const { fix } = await import("../operations/fix.js");
    const { input, out, format, workers, overwrite, resume, colorspace, maxPixels, onTruncated } = argv;
    const decode = { colorspace, maxPixels, onTruncated, ...rasterOptions(argv) };
    const options = { inputs: input, out, format, workers, overwrite, resume, ...decode };
    const summary = await fix(options, context);
    const { written, skipped, rejected, seconds } = summary;
    const rest = [
      ...(skipped > 0 ? [`${skipped} were there already`] : []),
      ...(rejected > 0 ? [`${rejected} rejected, see ${summary.rejects}`] : []),
    ];
    const text = [`${written} tiles written to ${out} (${Math.round(written / seconds)}/s)`, ...rest].join("; ");
    return { json: summary, text, rejected };
  });
}
