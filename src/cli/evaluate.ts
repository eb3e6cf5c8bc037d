/** `canopy evaluate`: a model's scores on labelled tiles. */
import type { ArgumentsCamelCase, Argv } from "yargs";
import type { EvaluateSummary } from "../operations/evaluate.js";
import { type GlobalArguments, runCommand, withDeviceOptions, withReadingLimits } from "./common.js";
import { LABELS, toLabelOptions, withSplit } from "./label-options.js";
import { formatTable } from "./table.js";

export const command = "evaluate";
export const describe = "Score a model on labelled tiles: F2, mAP and every tag by itself";

const SPLIT = "Column of train, val and test: score the tiles for test, or for val if there are none for test";

export function builder(yargs: Argv) {
  return withSplit(withReadingLimits(withDeviceOptions(yargs)), SPLIT)
    .option("colorspace", {
      choices: ["auto", "rgb", "ycbcr", "cmyk", "cmyk-inverted", "gray"] as const,
      describe: "Forces how the JPEG components are read (default: as the model was trained)",
    })
    .option("tiles", {
      type: "string",
      array: true,
      demandOption: true,
      describe: "INPUT: folder, files, .tar, .zip, @list",
    })
    .option("labels", { type: "string", demandOption: true, requiresArg: true, describe: LABELS })
    .option("model", { type: "string", demandOption: true, requiresArg: true, describe: "Model folder" })
    .option("backbone", { type: "string", requiresArg: true, describe: "Where the model's backbone FILE.onnx is now" })
    .option("threshold", {
      type: "number",
      requiresArg: true,
      describe: "One threshold for all tags, instead of the fitted",
    })
    .option("strict", { type: "boolean", default: false, describe: "Exit with 3 if a tile was rejected" })
    .example("$0 evaluate --tiles test-jpg --labels test.csv --model model --json", "Scores as JSON");
}

type Arguments = Awaited<ReturnType<typeof builder>["argv"]> & GlobalArguments;

export async function handler(argv: ArgumentsCamelCase<Arguments>): Promise<void> {
  await runCommand(argv, async (context) => {
    const { evaluate } = await import("../operations/evaluate.js");
    const summary = await evaluate(
      {
        tiles: argv.tiles,
        labels: argv.labels,
        ...toLabelOptions(argv),
        model: argv.model,
        backbone: argv.backbone,
        threshold: argv.threshold,
        device: argv.device,
        workers: argv.workers,
        colorspace: argv.colorspace,
        maxPixels: argv.maxPixels,
        onTruncated: argv.onTruncated,
      },
      context,
    );
    return { json: summary, text: describeSummary(summary), rejected: summary.rejected };
  });
}

function describeSummary(summary: EvaluateSummary): string {
  const rows = summary.perTag.map((tag) => [
    tag.reliable ? tag.tag : `${tag.tag} *`,
    String(tag.support),
    ...[tag.precision, tag.recall, tag.f2, tag.averagePrecision].map(score),
    tag.threshold.toFixed(2),
  ]);
  const table = formatTable(["tag", "support", "precision", "recall", "F2", "AP", "threshold"], rows);
  const unreliable = summary.perTag.some((tag) => !tag.reliable)
    ? "\n* too few tiles have the tag to tell (fewer than 10)"
    : "";
  const interval = summary.f2Interval.map(score).join(" to ");
  const rejected = summary.rejected > 0 ? `, ${summary.rejected} rejected` : "";
  return (
    `${table}${unreliable}\n\nF2 ${score(summary.f2)} (95%: ${interval})   F2 at 0.5 ${score(summary.f2AtHalf)}   mAP ${score(summary.map)}   ` +
    `micro F1 ${score(summary.microF1)}   macro F1 ${score(summary.macroF1)}   binary accuracy ${score(summary.binaryAccuracy)}\n` +
    `${summary.tiles} tiles${rejected}`
  );
}

function score(value: number | null): string {
  return value === null ? "-" : value.toFixed(3);
}
