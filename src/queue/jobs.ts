/** Jobs of the queue, and their checks: anybody who can write to Redis can write jobs. */
import { realpath } from "node:fs/promises";
import { dirname, isAbsolute, normalize, relative, sep } from "node:path";
import * as v from "valibot";
import { CanopyError } from "../errors.js";
import { count, positive } from "../files/schemas.js";
import type { QueueFacts } from "../run/formats.js";
import { FOLDER_ENDING } from "../run/paths.js";

/** Longest path that systems take. */
const MAX_PATH = 4096;

/** A run folder, on a file system that all workers share under this path. */
const FOLDER = v.pipe(
  v.string(),
  v.maxLength(MAX_PATH, "expected the full path of a run folder"),
  v.check(isRunFolder, "expected the full path of a run folder"),
);

/** A part of a run. Its tiles are read in the run folder; `tiles` is only for people who look at the queue. */
const PART_JOB = v.object({ folder: FOLDER, part: count, tiles: positive });
export type PartJob = v.InferOutput<typeof PART_JOB>;

/** The output of a run is to be put together. */
const ASSEMBLE_JOB = v.object({ folder: FOLDER });
export type AssembleJob = v.InferOutput<typeof ASSEMBLE_JOB>;

const JOB = v.variant("name", [
  v.object({ name: v.literal("part"), data: PART_JOB }),
  v.object({ name: v.literal("assemble"), data: ASSEMBLE_JOB }),
]);
type KnownJob = v.InferOutput<typeof JOB>;

/** A job that no worker can do. */
export class BadJobError extends CanopyError {
  override readonly name = "BadJobError";
  constructor(message: string) {
    super("BAD_JOB", message);
  }
}

/** The job, if it may be one of `enqueue`; undefined otherwise. */
export function knownJob({ name, data }: { name: string; data: unknown }): KnownJob | undefined {
  const result = v.safeParse(JOB, { name, data });
  return result.success ? result.output : undefined;
}

/** The same. Throws a BadJobError that says what is wrong with it. */
export function checkJob({ name, data }: { name: string; data: unknown }): KnownJob {
  const result = v.safeParse(JOB, { name, data });
  if (result.success) return result.output;
  const [issue] = result.issues;
  const what = `${v.getDotPath(issue)}: ${expectation(issue)}`;
  throw new BadJobError(`the queue holds a job that \`enqueue\` did not make (${what})`);
}

/** Does not quote the wrong value: a stranger's text must not reach terminals. */
function expectation({ type, expected, message }: v.BaseIssue<unknown>): string {
  return type === "check" || type === "max_length" ? message : `expected ${expected ?? type}`;
}

/** Throws a BadJobError if the run in `folder` is not one of this queue. */
export function refuseOtherQueue(
  facts: QueueFacts | undefined,
  queue: string,
  folder: string,
): asserts facts is QueueFacts {
  if (facts?.queue === queue) return;
  const whose = facts === undefined ? "of one process" : `of the queue ${facts.queue}`;
  throw new BadJobError(`the run in ${folder} is ${whose}, and the queue ${queue} holds a job for it`);
}

/**
 * Throws a CanopyError if the run folder, or the output beside it, would not lie below `root`, by their real paths.
 */
export async function refuseOutside(folder: string, root: string): Promise<void> {
  const top = await realpath(root);
  const beside = await realpath(dirname(folder));
  // The folder of a run that is done is gone.
  const inside = await realpath(folder).catch(() => beside);
  if ([beside, inside].every((path) => isBelow(path, top))) return;
  throw new CanopyError("OUTSIDE", `this worker works below ${root} only (\`root\`), and the run is in ${folder}`);
}

function isBelow(path: string, top: string): boolean {
  const way = relative(top, path);
  return way !== ".." && !way.startsWith(`..${sep}`) && !isAbsolute(way);
}

function isRunFolder(folder: string): boolean {
  return isAbsolute(folder) && folder.endsWith(FOLDER_ENDING) && normalize(folder) === folder && !folder.includes("\0");
}
