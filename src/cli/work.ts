/** `canopy work`: a worker of the queue. */
import type { ArgumentsCamelCase, Argv } from "yargs";
import type { WorkSummary } from "../operations/work.js";
import { type GlobalArguments, runCommand } from "./common.js";
import { queueOptions, withQueueOptions } from "./queue.js";
import { parseAddress, parseBytes } from "./values.js";

export const command = "work";
export const describe = "Do parts of bulk predictions from the queue; SIGTERM ends it after the part in hand";

export function builder(yargs: Argv) {
  return withQueueOptions(yargs)
    .option("root", {
      type: "string",
      requiresArg: true,
      describe: "Work only on runs below this folder: wherever others may reach Redis (default: any run of the queue)",
    })
    .option("workers", { type: "number", requiresArg: true, describe: "Decode workers (default: one per core)" })
    .option("memory", { type: "string", requiresArg: true, describe: "Budget, such as 700M or 4G" })
    .option("until-empty", { type: "boolean", default: false, describe: "End when the queue has nothing left to do" })
    .option("stalled-seconds", {
      type: "number",
      default: 30,
      requiresArg: true,
      describe: "A worker silent for so long loses its part to another",
    })
    .option("metrics", { type: "string", requiresArg: true, describe: "[HOST:]PORT to serve Prometheus' /metrics on" })
    .example("$0 work --redis redis://queue-host:6379 --root /share --metrics 0.0.0.0:9464", "Work until told to stop");
}

type Arguments = Awaited<ReturnType<typeof builder>["argv"]> & GlobalArguments;

export async function handler(argv: ArgumentsCamelCase<Arguments>): Promise<void> {
  await runCommand(argv, async (context) => {
    const { work } = await import("../operations/work.js");
    const { root, workers, untilEmpty, stalledSeconds } = argv;
    const memory = argv.memory === undefined ? undefined : parseBytes("memory", argv.memory);
    const metrics = argv.metrics === undefined ? undefined : parseAddress("metrics", argv.metrics);
    const onMetrics = (url: string): void => void process.stderr.write(`Metrics are at ${url}\n`);
    const own = { root, workers, memory, untilEmpty, stalledSeconds, metrics, onMetrics };
    const options = { ...(await queueOptions(argv, context)), ...own };
    const summary = await work(options, context);
    return { json: summary, text: describeSummary(summary) };
  });
}

function describeSummary({ parts, tiles, predicted, rejected, assembled, seconds }: WorkSummary): string {
  const outputs = assembled === 0 ? "" : `; ${assembled} output${assembled === 1 ? "" : "s"} put together`;
  return `${parts} parts, ${tiles} tiles: ${predicted} predicted, ${rejected} rejected in ${seconds.toFixed(1)} s${outputs}`;
}
