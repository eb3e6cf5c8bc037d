/** `canopy queue status`, and the options all commands of the queue share. */
import type { ArgumentsCamelCase, Argv } from "yargs";
import type { QueueStatus } from "../operations/queue-status.js";
import type { RunContext } from "../run-context.js";
import { type GlobalArguments, runCommand } from "./common.js";

export const command = "queue <action>";
export const describe = "What the queue has done, has left, and how fast it goes";

export function withQueueOptions<T>(yargs: Argv<T>) {
  return yargs
    .option("redis", {
      type: "string",
      default: process.env["CANOPY_REDIS"] ?? "redis://127.0.0.1:6379",
      defaultDescription: "$CANOPY_REDIS or redis://127.0.0.1:6379",
      requiresArg: true,
      describe: "Redis that keeps the queue: redis[s]://[[USER]:PASSWORD@]HOST[:PORT], or @FILE that holds this",
    })
    .option("queue", { type: "string", default: "canopy", requiresArg: true, describe: "Name of the queue" });
}

/** `--redis` and `--queue`; warns of a password that everybody on this machine can read. */
export async function queueOptions(
  { redis, queue }: QueueArguments,
  { onWarning }: RunContext,
): Promise<QueueArguments> {
  const { showsPassword } = await import("../queue/redis-address.js");
  if (redis !== process.env["CANOPY_REDIS"] && showsPassword(redis)) {
    onWarning?.(
      "A password on the command line can be read by all users of this machine (ps): give the address in " +
        "CANOPY_REDIS or, as `redis: @FILE`, in a file.",
    );
  }
  return { redis, queue };
}

interface QueueArguments {
  redis: string;
  queue: string;
}

export function builder(yargs: Argv) {
  return withQueueOptions(yargs)
    .positional("action", {
      choices: ["status"] as const,
      demandOption: true,
      describe: "status: counts, rate, ETA, failures",
    })
    .example("$0 queue status --json", "For scripts");
}

type Arguments = Awaited<ReturnType<typeof builder>["argv"]> & GlobalArguments;

export async function handler(argv: ArgumentsCamelCase<Arguments>): Promise<void> {
  await runCommand(argv, async (context) => {
    const { queueStatus } = await import("../operations/queue-status.js");
    const status = await queueStatus(await queueOptions(argv, context));
    return { json: status, text: describeStatus(status) };
  });
}

function describeStatus(status: QueueStatus): string {
  const { queue, waiting, active, delayed, completed, failed, runs, workers } = status;
  const rate =
    status.tilesPerS === null ? "nothing done in the last five minutes" : `${status.tilesPerS.toFixed(0)} tiles/s`;
  const eta = status.etaSeconds === null ? "" : `, about ${formatDuration(status.etaSeconds)} to go`;
  return [
    `${queue}: ${runs} unfinished run${runs === 1 ? "" : "s"}, ${workers} worker${workers === 1 ? "" : "s"}`,
    `jobs: ${waiting} waiting, ${active} active, ${delayed} delayed, ${completed} completed, ${failed} failed`,
    `${status.tilesLeft} tiles left; ${rate}${eta}`,
    ...status.failures.map(({ job, attempts, reason }) => `failed after ${attempts} tries: ${job}: ${reason}`),
  ].join("\n");
}

function formatDuration(seconds: number): string {
  if (seconds < 120) return `${seconds} s`;
  return seconds < 7200 ? `${Math.round(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`;
}
