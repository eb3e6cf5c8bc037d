/** `canopy predict`: tiles to a file of tags. */
import type { ArgumentsCamelCase, Argv } from "yargs";
import type { PredictOptions, PredictSummary } from "../operations/predict.js";
import { NAMINGS } from "../tiles/names.js";
import {
  ESCAPE_FORMULAS,
  type GlobalArguments,
  ROWS_OUT,
  runCommand,
  withDeviceOptions,
  withModelDecodeOptions,
  withOverwrite,
} from "./common.js";
import { parseBytes, parseLimit, parseShard } from "./values.js";

export const command = "predict <input..>";
export const describe = "Tag tiles in bulk, into a .csv, .jsonl or .parquet file";

export function builder(yargs: Argv) {
  return withPredictOptions(withInput(withOverwrite(withDeviceOptions(yargs))))
    .option("out", ROWS_OUT)
    .example("$0 predict test-jpg --model model --out submission.csv", "A Kaggle submission")
    .example(
      "$0 predict @tags.csv.rejects.jsonl --model model --out again.csv",
      "What a run rejected, once more (when its cause is mended)",
    )
    .example("$0 predict shards/*.tar --model model --out tags.parquet --probabilities --resume", "Archives, resumable")
    .example(
      "zstd -dc set.tar.zst | $0 predict - --model model --out tags.csv",
      "An archive from a pipe, copied to the disk of --out first",
    );
}

/** The input of a bulk run, which part of it is meant, and how it ends; shared with `canopy embed`. */
export function withInput<T>(yargs: Argv<T>) {
  return yargs
    .positional("input", {
      type: "string",
      array: true,
      demandOption: true,
      describe: "Folder, files, archives, @list.txt, or -",
    })
    .option("resume", {
      type: "boolean",
      default: false,
      describe: "Go on where an interrupted run of this output stopped",
    })
    .option("strict", { type: "boolean", default: false, describe: "Exit with 3 if a tile was rejected" })
    .option("shard", {
      type: "string",
      requiresArg: true,
      describe: "i/n: only this share of the tiles; see canopy index and merge",
    });
}

/** Options of the model and of what is written; shared with `canopy enqueue`. */
export function withPredictOptions<T>(yargs: Argv<T>) {
  return withBulkOptions(yargs)
    .option("model", { alias: "m", type: "string", demandOption: true, requiresArg: true, describe: "Model folder" })
    .option("backbone", { type: "string", requiresArg: true, describe: "Where the model's backbone FILE.onnx is now" })
    .option("probabilities", { type: "boolean", default: false, describe: "Add each tag's probability" })
    .option("escape-formulas", ESCAPE_FORMULAS)
    .option("threshold", {
      type: "number",
      requiresArg: true,
      describe: "One threshold for all tags, instead of the fitted",
    });
}

/** Options of every bulk run. */
export function withBulkOptions<T>(yargs: Argv<T>) {
  return withModelDecodeOptions(yargs)
    .option("names", {
      choices: NAMINGS,
      default: "file" as const,
      describe: "What tiles are called: by their files, or by their paths below INPUT (as z/x/y.png)",
    })
    .option("batch-size", {
      type: "number",
      requiresArg: true,
      describe: "Tiles per batch (CPU 24 at 224 pixels, 72 at 128; GPU 32)",
    })
    .option("memory", {
      type: "string",
      requiresArg: true,
      describe: "Budget of a process, such as 700M or 4G; tiles that would not fit are rejected",
    })
    .option("max-unreadable", {
      type: "string",
      default: "1000",
      requiresArg: true,
      describe: "Stop when so many tiles in a row cannot be read, as when their disk is gone; none: never",
    });
}

type Arguments = Awaited<ReturnType<typeof builder>["argv"]> & GlobalArguments;

export async function handler(argv: ArgumentsCamelCase<Arguments>): Promise<void> {
  await runCommand(argv, async (context) => {
    const { predict } = await import("../operations/predict.js");
    const summary = await predict(toOptions(argv), context);
    return { json: summary, text: describeSummary(summary), rejected: summary.rejected };
  });
}

function toOptions(argv: Arguments): PredictOptions {
  return {
    inputs: argv.input,
    out: argv.out,
    resume: argv.resume,
    overwrite: argv.overwrite,
    shard: argv.shard === undefined ? undefined : parseShard(argv.shard),
    device: argv.device,
    workers: argv.workers,
    ...modelOptions(argv),
  };
}

/** What `withPredictOptions` declares, as the operations take it. */
export function modelOptions(argv: Awaited<ReturnType<typeof withPredictOptions<object>>["argv"]>) {
  return {
    model: argv.model,
    backbone: argv.backbone,
    probabilities: argv.probabilities,
    escapeFormulas: argv.escapeFormulas,
    threshold: argv.threshold,
    batchSize: argv.batchSize,
    names: argv.names,
    memory: argv.memory === undefined ? undefined : parseBytes("memory", argv.memory),
    colorspace: argv.colorspace,
    maxPixels: argv.maxPixels,
    maxUnreadable: parseLimit("max-unreadable", argv.maxUnreadable),
    onTruncated: argv.onTruncated,
  };
}

function describeSummary(summary: PredictSummary): string {
  const { tiles, predicted, rejected, resumed, seconds, provider } = summary;
  const rate = summary.tilesPerS === null ? "" : `, ${summary.tilesPerS.toFixed(0)} tiles/s`;
  const earlier = resumed === 0 ? "" : ` (${resumed} of them done before)`;
  const rejects = summary.rejects === null ? "" : `\nThe rejected tiles and why: ${summary.rejects}`;
  return (
    `${tiles} ${tiles === 1 ? "tile" : "tiles"}${earlier}: ${predicted} predicted, ${rejected} rejected; ${seconds.toFixed(1)} s on ${provider}${rate}\n` +
    `${summary.out}${rejects}`
  );
}
