/** `canopy suggest`: which unlabelled tiles to label next. */
import type { ArgumentsCamelCase, Argv } from "yargs";
import type { SuggestSummary } from "../operations/suggest.js";
import {
  ESCAPE_FORMULAS,
  type GlobalArguments,
  runCommand,
  withDeviceOptions,
  withOverwrite,
  withReadingLimits,
} from "./common.js";
import { LABELS, toLabelOptions, withLabelOptions } from "./label-options.js";
import { describeConfig, withImageOptions } from "./label-studio.js";

export const command = "suggest <input..>";
export const describe =
  "Find the unlabelled tiles worth labelling next: those the model is unsure of, and unlike each other";

export function builder(yargs: Argv) {
  return withLabelOptions(withImageOptions(withOverwrite(withReadingLimits(withDeviceOptions(yargs)))))
    .positional("input", {
      type: "string",
      array: true,
      demandOption: true,
      describe: "Folder, files, archives, @list.txt, or -",
    })
    .option("model", { alias: "m", type: "string", demandOption: true, requiresArg: true, describe: "Model folder" })
    .option("out", {
      alias: "o",
      type: "string",
      demandOption: true,
      requiresArg: true,
      describe: "File to write: .csv, .jsonl or .json",
    })
    .option("count", { type: "number", default: 50, requiresArg: true, describe: "Tiles to suggest" })
    .option("labels", { type: "string", requiresArg: true, describe: `${LABELS}: tiles it labels are passed over` })
    .option("format", {
      choices: ["csv", "jsonl", "json", "label-studio", "fiftyone"] as const,
      describe: "What to write (default: by the ending of --out)",
    })
    .option("backbone", { type: "string", requiresArg: true, describe: "Where the model's backbone FILE.onnx is now" })
    .option("escape-formulas", ESCAPE_FORMULAS)
    .option("strict", { type: "boolean", default: false, describe: "Exit with 3 if a tile was rejected" })
    .example("$0 suggest all-jpg --labels train.csv --model model --out next.csv", "50 tiles that train.csv lacks")
    .example(
      "$0 suggest all-png --model model --out tasks.json --format label-studio --count 200",
      "Tasks for Label Studio, the model's tags filled in",
    );
}

type Arguments = Awaited<ReturnType<typeof builder>["argv"]> & GlobalArguments;

export async function handler(argv: ArgumentsCamelCase<Arguments>): Promise<void> {
  await runCommand(argv, async (context) => {
    const { suggest } = await import("../operations/suggest.js");
    const { input, model, out, count, labels, format, backbone, device, workers, overwrite, escapeFormulas } = argv;
    const reading = { maxPixels: argv.maxPixels, onTruncated: argv.onTruncated };
    const { imageUrl, imageRoot } = argv;
    const given = {
      model,
      out,
      count,
      labels,
      ...toLabelOptions(argv),
      format,
      backbone,
      device,
      workers,
      overwrite,
      escapeFormulas,
    };
    const summary = await suggest({ inputs: input, ...given, ...reading, imageUrl, imageRoot }, context);
    return { json: summary, text: describeSummary(summary), rejected: summary.rejected };
  });
}

function describeSummary(summary: SuggestSummary): string {
  const { suggested, tiles, labelled, rejected, decoded, cached, seconds, provider } = summary;
  const rejects = summary.rejects === null ? "" : `\nThe rejected tiles and why: ${summary.rejects}`;
  return (
    `${suggested} of ${tiles} tiles suggested; ${labelled} labelled already, ${rejected} rejected; ` +
    `${decoded} decoded, ${cached} from the cache; ${seconds.toFixed(1)} s on ${provider}\n${summary.out}${rejects}` +
    describeConfig(summary.labelConfig)
  );
}
