/** What a worker of a queue does: one part, or the output from all parts. Both can be done twice without harm. */
import { CanopyError, InputError } from "../errors.js";
import { exists } from "../files/facts.js";
import { watchInput } from "../isolation/lost-input.js";
import { tagRange } from "../isolation/tag-range.js";
import { readJson } from "../predict/durable.js";
import { assemble } from "../run/assemble.js";
import { type RunIdentity, refuseOtherVersion } from "../run/identity.js";
import { lineFormat, type RunManifest, rowOptions } from "../run/output.js";
import { PartBuffer } from "../run/part-buffer.js";
import { commitPart, findDamage, listParts, readRecord } from "../run/parts.js";
import { runFiles, runPaths } from "../run/paths.js";
import type { RunContext } from "../run-context.js";
import type { KeptEngine } from "./engine-keeper.js";
import type { AssembleJob, JobResult, PartJob } from "./queue.js";

/** Does a part, unless it is done. On abort, and where the input is lost (LostInputError), nothing of it is kept. */
export async function doPart(
  job: PartJob,
  { identity, engine, maxUnreadable }: KeptEngine,
  context: RunContext,
): Promise<JobResult> {
  const { folder, part, from } = job;
  const done = await readRecord(folder, part);
  if (done !== undefined && (await findDamage(folder, done, from)) === undefined)
    return { ...counts(done), seconds: 0 };
  const startedAt = performance.now();
  const buffer = new PartBuffer(lineFormat(identity.settings.format, rowOptions(identity)));
  const files = runFiles(folder);
  const stretch = { list: files.tiles, range: job, ...files.isolation(`part-${part}`) };
  const watch = { ...stretch, batchesAhead: engine.batchesAhead, maxUnreadable };
  for await (const batch of watchInput(tagRange(stretch, engine, context), watch)) {
    buffer.add(batch);
    context.onProgress?.({ stage: "part", done: buffer.tiles, total: job.to - from, rejected: buffer.rejected });
  }
  const record = await commitPart(folder, buffer.take(part, from));
  return { ...counts(record), seconds: (performance.now() - startedAt) / 1000 };
}

/** The run's folder cannot be found, and its output is not there: what they lie on is gone, here or everywhere. */
export class LostRunError extends CanopyError {
  override readonly name = "LostRunError";
  constructor(folder: string) {
    super("LOST_RUN", `The run in ${folder} is not there, nor is its output: has the disk or share it lies on gone?`);
  }
}

/** A part that is left over in the queue when its run is done. Throws a LostRunError where it is not done. */
export async function partOfEndedRun({ folder }: PartJob): Promise<JobResult> {
  if (!(await exists(runPaths(folder.replace(/\.parts$/, "")).manifest))) throw new LostRunError(folder);
  return { tiles: 0, predicted: 0, rejected: 0, seconds: 0 };
}

/** Puts the output together, unless that is done. Throws an InputError where parts are missing. */
export async function doAssembly({ folder, out }: AssembleJob, context: RunContext): Promise<JobResult> {
  const startedAt = performance.now();
  const paths = runPaths(out);
  const identity = await readJson<RunIdentity>(runFiles(folder).identity);
  if (identity === undefined) {
    const manifest = await readJson<RunManifest>(paths.manifest);
    if (manifest === undefined) throw new InputError(`There is no run in ${folder}, and no finished output beside it.`);
    return { ...counts(manifest), seconds: 0 };
  }
  refuseOtherVersion(identity, folder);
  const tiles = await countTiles(folder);
  if (tiles !== identity.input.tiles) {
    throw new InputError(
      `The parts in ${folder} hold ${tiles} of ${identity.input.tiles} tiles: canopy enqueue --resume does what is missing.`,
    );
  }
  const manifest = await assemble(paths, identity, context);
  return { ...counts(manifest), seconds: (performance.now() - startedAt) / 1000 };
}

async function countTiles(folder: string): Promise<number> {
  let tiles = 0;
  for (const part of await listParts(folder)) tiles += (await readRecord(folder, part))?.tiles ?? 0;
  return tiles;
}

function counts({ tiles, predicted, rejected }: Omit<JobResult, "seconds">): Omit<JobResult, "seconds"> {
  return { tiles, predicted, rejected };
}
