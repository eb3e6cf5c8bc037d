/** The jobs of a queue worker: one part, or the output from all parts. Doing either twice does no harm. */
import { CanopyError, InputError } from "../errors.js";
import { exists } from "../files/facts.js";
import { watchInput } from "../isolation/lost-input.js";
import { tagRange } from "../isolation/tag-range.js";
import { assemble } from "../run/assemble.js";
import type { PartRecord } from "../run/formats.js";
import { readIdentity, readManifest } from "../run/identity.js";
import { lineFormat, rowOptions } from "../run/output.js";
import { PartBuffer } from "../run/part-buffer.js";
import { commitPart, findDamage, readRecord } from "../run/parts.js";
import { pathsOfFolder, runFiles } from "../run/paths.js";
import { readQueueFacts } from "../run/run-request.js";
import type { RunContext } from "../run-context.js";
import type { TaggedRow } from "../tags/prediction.js";
import { hashRange, type ListRange } from "../tiles/tile-list.js";
import type { KeptEngine } from "./engine-keeper.js";
import { type AssembleJob, BadJobError, type PartJob, refuseOtherQueue } from "./jobs.js";
import type { JobResult } from "./queue.js";

/** Does a part, unless it is done. On abort, and if the input is lost (LostInputError), nothing of it is kept. */
export async function doPart({ folder, part }: PartJob, kept: KeptEngine, context: RunContext): Promise<JobResult> {
  const range = rangeOf(part, kept, folder);
  const done = await readRecord(folder, part);
  if (done !== undefined && (await isWhole(folder, done, range))) return { ...counts(done), seconds: 0 };
  const startedAt = performance.now();
  const { identity, facts, engine } = kept;
  const { maxUnreadable } = facts;
  const buffer = new PartBuffer<TaggedRow>(lineFormat(identity.settings.format, rowOptions(identity)));
  const files = runFiles(folder);
  const stretch = { list: files.tiles, range, ...files.isolation(`part-${part}`) };
  const watch = { ...stretch, batchesAhead: engine.batchesAhead, maxUnreadable };
  const total = range.to - range.from;
  for await (const batch of watchInput(tagRange(stretch, engine, context), watch)) {
    buffer.add(batch);
    context.onProgress?.({ stage: "part", done: buffer.tiles, total, rejected: buffer.rejected });
  }
  const record = await commitPart(folder, buffer.take(part, range.from));
  return { ...counts(record), seconds: (performance.now() - startedAt) / 1000 };
}

/** The tiles of part number `part`, as the run has them. */
function rangeOf(part: number, { identity, facts }: KeptEngine, folder: string): Required<ListRange> {
  const { partTiles, offsets } = facts;
  const { tiles } = identity.input;
  if (part >= offsets.length) {
    throw new BadJobError(
      `the run in ${folder} has ${offsets.length} parts, and the queue holds a job for part ${part}`,
    );
  }
  return { from: part * partTiles, to: Math.min(tiles, (part + 1) * partTiles), byteOffset: offsets[part] };
}

async function isWhole(folder: string, record: PartRecord, range: ListRange): Promise<boolean> {
  const expected = { first: range.from, tilesSha256: await hashRange(runFiles(folder).tiles, range) };
  return (await findDamage(folder, record, expected)) === undefined;
}

/** Neither the run's folder nor its output can be found: their disk or share is gone, here or everywhere. */
export class LostRunError extends CanopyError {
  override readonly name = "LostRunError";
  constructor(folder: string) {
    super("LOST_RUN", `The run in ${folder} is not there, nor is its output: has the disk or share it lies on gone?`);
  }
}

/** For a part that is still in the queue when its run is done. Throws a LostRunError if the run is not done. */
export async function partOfEndedRun({ folder }: PartJob): Promise<JobResult> {
  if (!(await exists(pathsOfFolder(folder).manifest))) throw new LostRunError(folder);
  return { tiles: 0, predicted: 0, rejected: 0, seconds: 0 };
}

/** Puts the output together, unless that is done. Throws a CanopyError if parts are missing. */
export async function doAssembly({ folder }: AssembleJob, queue: string, context: RunContext): Promise<JobResult> {
  const startedAt = performance.now();
  const paths = pathsOfFolder(folder);
  const identity = await readIdentity(folder);
  if (identity === undefined) {
    const manifest = await readManifest(paths);
    if (manifest === undefined) throw new InputError(`There is no run in ${folder}, and no finished output beside it.`);
    return { ...counts(manifest), seconds: 0 };
  }
  refuseOtherQueue(await readQueueFacts(folder), queue, folder);
  const manifest = await assemble(paths, identity, context);
  return { ...counts(manifest), seconds: (performance.now() - startedAt) / 1000 };
}

function counts({ tiles, predicted, rejected }: Omit<JobResult, "seconds">): Omit<JobResult, "seconds"> {
  return { tiles, predicted, rejected };
}
