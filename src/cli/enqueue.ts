/** `canopy enqueue`: a bulk prediction into a queue, for `canopy work` on any number of machines. */
import type { ArgumentsCamelCase, Argv } from "yargs";
import type { EnqueueSummary } from "../operations/enqueue.js";
import { counted } from "../report/format.js";
import { DEVICE, type GlobalArguments, ROWS_OUT, runCommand, withOverwrite } from "./common.js";
import { modelOptions, withPredictOptions } from "./predict.js";
import { queueOptions, withQueueOptions } from "./queue.js";

export const command = "enqueue <input..>";
export const describe = "Cut a bulk prediction into parts for workers (canopy work)";

export function builder(yargs: Argv) {
  return withPredictOptions(withQueueOptions(withOverwrite(yargs)))
    .positional("input", {
      type: "string",
      array: true,
      demandOption: true,
      describe: "Folder, files, archives, @list.txt, or -; on a file system all workers share",
    })
    .option("out", ROWS_OUT)
    .option("part-tiles", { type: "number", default: 2048, requiresArg: true, describe: "Tiles of a part" })
    .option("device", { ...DEVICE, describe: "Where workers run the backbone" })
    .option("resume", { type: "boolean", default: false, describe: "Enqueue again what is not done of this output" })
    .example(
      "$0 enqueue /share/tiles --model /share/model --out /share/tags.parquet",
      "Then canopy work on each machine",
    );
}

type Arguments = Awaited<ReturnType<typeof builder>["argv"]> & GlobalArguments;

export async function handler(argv: ArgumentsCamelCase<Arguments>): Promise<void> {
  await runCommand(argv, async (context) => {
    const { enqueue } = await import("../operations/enqueue.js");
    const { out, device, resume, overwrite, partTiles } = argv;
    const options = {
      ...(await queueOptions(argv, context)),
      out,
      device,
      resume,
      overwrite,
      partTiles,
      inputs: argv.input,
      ...modelOptions(argv),
    };
    const summary = await enqueue(options, context);
    return { json: summary, text: describeSummary(summary) };
  });
}

function describeSummary({ queue, tiles, parts, enqueued, out }: EnqueueSummary): string {
  if (enqueued === 0)
    return `All ${tiles} tiles are done; if the output is not there yet, a worker puts it together:\n${out}`;
  const done = enqueued === parts ? "" : ` (${parts - enqueued} of ${parts} are done)`;
  return (
    `In the queue ${queue}: ${counted(enqueued, "part")} of a run of ${counted(tiles, "tile")}${done}; \`canopy work\` does them, ` +
    `on any machine that reaches its Redis. When all are done, the output is\n${out}`
  );
}
