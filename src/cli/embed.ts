/** `canopy embed`: tiles to a file of embeddings. */
import type { ArgumentsCamelCase, Argv } from "yargs";
import type { EmbedOptions, EmbedSummary } from "../operations/embed.js";
import { type GlobalArguments, runCommand, withDeviceOptions, withOverwrite } from "./common.js";
import { withBulkOptions, withInput } from "./predict.js";
import { parseBytes, parseLimit, parseShard } from "./values.js";

export const command = "embed <input..>";
export const describe = "Write the features of tiles in bulk, into a .parquet or .jsonl file";

export function builder(yargs: Argv) {
  return withBulkOptions(withInput(withOverwrite(withDeviceOptions(yargs))))
    .option("out", {
      alias: "o",
      type: "string",
      demandOption: true,
      requiresArg: true,
      describe: "File to write: .parquet or .jsonl",
    })
    .option("model", {
      alias: "m",
      type: "string",
      requiresArg: true,
      describe: "Model folder: the features that its head gets",
    })
    .option("backbone", {
      type: "string",
      requiresArg: true,
      describe: "Without a model: name (canopy models list) or FILE.onnx; with one: where its FILE.onnx is now",
    })
    .option("size", { type: "number", requiresArg: true, describe: "Without a model: pixels per side" })
    .option("features", {
      choices: ["pyramid", "last"] as const,
      describe: "Without a model: means of maps at several resolutions too, or the last features alone (last)",
    })
    .option("normalisation", {
      choices: ["imagenet", "tf", "unit", "raw"] as const,
      describe: "Without a model: what an unknown FILE.onnx wants its pixels scaled to",
    })
    .option("tokens", {
      choices: ["class", "mean"] as const,
      describe: "Without a model: of a FILE.onnx that ends in tokens the class token, or the mean of all",
    })
    .example("$0 embed tiles --model model --out embeddings.parquet", "What the model's head sees")
    .example("$0 embed tiles --backbone canopy --out embeddings.parquet --resume", "A backbone alone, resumable");
}

type Arguments = Awaited<ReturnType<typeof builder>["argv"]> & GlobalArguments;

export async function handler(argv: ArgumentsCamelCase<Arguments>): Promise<void> {
  await runCommand(argv, async (context) => {
    const { embed } = await import("../operations/embed.js");
    const summary = await embed(toOptions(argv), context);
    return { json: summary, text: describeSummary(summary), rejected: summary.rejected };
  });
}

function toOptions(argv: Arguments): EmbedOptions {
  const { input: inputs, out, model, backbone, size, features, normalisation, tokens } = argv;
  const { resume, overwrite, device, workers, batchSize, colorspace, maxPixels, onTruncated, names } = argv;
  return {
    ...{ inputs, out, model, backbone, size, features, normalisation, tokens },
    ...{ resume, overwrite, device, workers, batchSize, colorspace, maxPixels, onTruncated, names },
    shard: argv.shard === undefined ? undefined : parseShard(argv.shard),
    memory: argv.memory === undefined ? undefined : parseBytes("memory", argv.memory),
    maxUnreadable: parseLimit("max-unreadable", argv.maxUnreadable),
  };
}

function describeSummary(summary: EmbedSummary): string {
  const { tiles, embedded, rejected, resumed, seconds, provider, numFeatures, backbone } = summary;
  const rate = summary.tilesPerS === null ? "" : `, ${summary.tilesPerS.toFixed(0)} tiles/s`;
  const earlier = resumed === 0 ? "" : ` (${resumed} of them done before)`;
  const rejects = summary.rejects === null ? "" : `\nThe rejected tiles and why: ${summary.rejects}`;
  return (
    `${tiles} ${tiles === 1 ? "tile" : "tiles"}${earlier}: ${embedded} embedded, ${rejected} rejected; ` +
    `${seconds.toFixed(1)} s on ${provider}${rate}\n` +
    `${summary.out}: ${numFeatures} features of ${backbone} a tile${rejects}`
  );
}
