/** `canopy merge`: the outputs of all shards into one. */
import type { ArgumentsCamelCase, Argv } from "yargs";
import { type GlobalArguments, runCommand, withOverwrite } from "./common.js";

export const command = "merge <shards..>";
export const describe = "Put the outputs of predict --shard i/n together";

export function builder(yargs: Argv) {
  return withOverwrite(yargs)
    .positional("shards", {
      type: "string",
      array: true,
      demandOption: true,
      describe: "Every shard's output, in any order",
    })
    .option("out", {
      type: "string",
      demandOption: true,
      requiresArg: true,
      describe: "File to write, of the shards' format",
    })
    .example("$0 merge tags-*.csv --out tags.csv", "All shards of a run");
}

type Arguments = Awaited<ReturnType<typeof builder>["argv"]> & GlobalArguments;

export async function handler(argv: ArgumentsCamelCase<Arguments>): Promise<void> {
  await runCommand(argv, async (context) => {
    const { merge } = await import("../operations/merge.js");
    const summary = await merge({ shards: argv.shards, out: argv.out, overwrite: argv.overwrite }, context);
    const { shards, tiles, predicted, rejected } = summary;
    const text = `${shards} shards, ${tiles} tiles: ${predicted} predicted, ${rejected} rejected\n${summary.out}`;
    return { json: summary, text };
  });
}
