/** `canopy merge`: finished outputs into one. */
import type { ArgumentsCamelCase, Argv } from "yargs";
import { type GlobalArguments, ROWS_OUT, runCommand, withOverwrite } from "./common.js";

export const command = "merge <outputs..>";
export const describe = "Put finished outputs of predict together: shards, and runs over other tiles";

export function builder(yargs: Argv) {
  return withOverwrite(yargs)
    .positional("outputs", {
      type: "string",
      array: true,
      demandOption: true,
      describe: "Outputs of one model, of all shards of a run, in any format",
    })
    .option("out", ROWS_OUT)
    .example("$0 merge tags-*.csv --out tags.csv", "All shards of a run")
    .example("$0 merge may.jsonl june.jsonl --out all.parquet", "Two runs, to another format");
}

type Arguments = Awaited<ReturnType<typeof builder>["argv"]> & GlobalArguments;

export async function handler(argv: ArgumentsCamelCase<Arguments>): Promise<void> {
  await runCommand(argv, async (context) => {
    const { merge } = await import("../operations/merge.js");
    const summary = await merge({ outputs: argv.outputs, out: argv.out, overwrite: argv.overwrite }, context);
    const { outputs, tiles, predicted, rejected } = summary;
    const text = `${outputs} ${outputs === 1 ? "output" : "outputs"}, ${tiles} tiles: ${predicted} predicted, ${rejected} rejected\n${summary.out}`;
    return { json: summary, text };
  });
}
