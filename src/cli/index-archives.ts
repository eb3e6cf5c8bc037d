/** `canopy index`: archives listed once. */
import type { ArgumentsCamelCase, Argv } from "yargs";
import { type GlobalArguments, runCommand, withOverwrite } from "./common.js";

export const command = "index <archives..>";
export const describe = "List archives once, so that shards read only their own tiles of them";

export function builder(yargs: Argv) {
  return withOverwrite(yargs)
    .positional("archives", {
      type: "string",
      array: true,
      demandOption: true,
      describe: "Archives, folders of archives, patterns or @list.txt",
    })
    .option("out", {
      alias: "o",
      type: "string",
      requiresArg: true,
      describe: "Folder for the indexes (default: each beside its archive, where it is found)",
    })
    .example("$0 index 'tars/*.tar'", "Then predict --shard i/n reads of each archive only its share");
}

type Arguments = Awaited<ReturnType<typeof builder>["argv"]> & GlobalArguments;

export async function handler(argv: ArgumentsCamelCase<Arguments>): Promise<void> {
  await runCommand(argv, async (context) => {
    const { indexArchives } = await import("../operations/index-archives.js");
    const { out, overwrite } = argv;
    const summary = await indexArchives({ inputs: argv.archives, out, overwrite }, context);
    const text = summary.archives.map(({ index, tiles, rejected, ignored, kept }) =>
      kept ? `${index}: up to date` : `${index}: ${tiles} tiles, ${rejected} rejected, ${ignored} ignored`,
    );
    return { json: summary, text: text.join("\n") };
  });
}
