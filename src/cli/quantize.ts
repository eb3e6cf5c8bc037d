/** `canopy quantize`: a model that computes with 8-bit integers. */
import type { ArgumentsCamelCase, Argv } from "yargs";
import type { QuantizeSummary } from "../operations/quantize.js";
import { type GlobalArguments, runCommand, withDeviceOptions, withOverwrite, withReadingLimits } from "./common.js";
import { LABELS, toLabelOptions, withSplit } from "./label-options.js";
import { formatTable } from "./table.js";

export const command = "quantize <model>";
export const describe = "Make a model compute with 8-bit integers: faster on processors with VNNI";

const SPLIT = "Column of train, val and test: the tiles for test are left out";

export function builder(yargs: Argv) {
  return withSplit(withOverwrite(withReadingLimits(withDeviceOptions(yargs))), SPLIT)
    .positional("model", { type: "string", demandOption: true, describe: "Model folder" })
    .option("tiles", {
      type: "string",
      array: true,
      demandOption: true,
      describe: "Tiles to observe: folder, files, archives, @list",
    })
    .option("labels", { type: "string", requiresArg: true, describe: `Refits the head, if that is better. ${LABELS}` })
    .option("out", {
      alias: "o",
      type: "string",
      demandOption: true,
      requiresArg: true,
      describe: "Model folder to write",
    })
    .option("backbone", { type: "string", requiresArg: true, describe: "Where the model's backbone FILE.onnx is now" })
    .option("strict", { type: "boolean", default: false, describe: "Exit with 3 if a tile was rejected" })
    .example("$0 quantize model --tiles train-jpg --out model-int8", "Ranges from the tiles, thresholds fitted again");
}

type Arguments = Awaited<ReturnType<typeof builder>["argv"]> & GlobalArguments;

export async function handler(argv: ArgumentsCamelCase<Arguments>): Promise<void> {
  await runCommand(argv, async (context) => {
    const { quantize } = await import("../operations/quantize.js");
    const summary = await quantize(
      {
        model: argv.model,
        tiles: argv.tiles,
        labels: argv.labels,
        ...toLabelOptions(argv),
        out: argv.out,
        overwrite: argv.overwrite,
        backbone: argv.backbone,
        device: argv.device,
        workers: argv.workers,
        maxPixels: argv.maxPixels,
        onTruncated: argv.onTruncated,
      },
      context,
    );
    return { json: summary, text: describeSummary(summary), rejected: summary.rejected };
  });
}

function describeSummary(summary: QuantizeSummary): string {
  const { cosine, f2, float, integer, kernels, refitted, rejected, sameTags, thresholds, tiles } = summary;
  const reasons = [...new Set(float.map(({ reason }) => reason))];
  const withReason = (reason: string) => float.filter((node) => node.reason === reason).map(({ operator }) => operator);
  const changed = thresholds.filter(({ before, after }) => before !== after);
  const rows = changed.map(({ tag, before, after }) => [tag, before.toFixed(3), after.toFixed(3)]);
  return [
    `${integer} nodes compute with integers, ${float.length} with floats`,
    ...reasons.map((reason) => `  ${withReason(reason).join(", ")}: ${reason}`),
    `features: cosine to floats ${cosine.mean.toFixed(5)}, at least ${cosine.least.toFixed(5)}, on ${tiles} tiles${rejected > 0 ? `, ${rejected} rejected` : ""}`,
    `the same tags on ${(100 * sameTags).toFixed(2)} % of them; fitted again: ${refitted}`,
    ...(f2 === null ? [] : [describeF2(f2)]),
    ...(rows.length === 0 ? [] : [formatTable(["threshold of", "before", "now"], rows)]),
    `on this machine: ${kernels === "integer" ? "integer kernels" : "simulated in floats, which is slower"}`,
    summary.out,
  ].join("\n");
}

function describeF2({ before, kept, refitted }: NonNullable<QuantizeSummary["f2"]>): string {
  const heads =
    refitted === null
      ? "it was tuned together with the backbone, and stays"
      : `new heads out of fold ${refitted.before.toFixed(4)} and ${refitted.after.toFixed(4)}`;
  return `F2 ${before.toFixed(4)} before, ${kept.toFixed(4)} with the old head; ${heads}`;
}
