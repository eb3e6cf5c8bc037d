/** RunFolder: an unfinished run on disk. It is made, found again, checked against what is asked for now, and taken back up. */
import { readdir, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { InputError } from "../errors.js";
import { exists } from "../files/facts.js";
import { syncFolder } from "../files/folder.js";
import { ensureFolder, refuseFolder } from "../files/output.js";
import { writeWhole } from "../files/write.js";
import { readJson } from "../predict/durable.js";
import {
  checkTileList,
  digestTileList,
  type ListOptions,
  selectedTiles,
  type WrittenTileList,
  writeTileList,
} from "../predict/tile-list.js";
import type { RunContext } from "../run-context.js";
import { type OpenedTiles, type OpenTilesOptions, openTiles, type TileInputs } from "../tiles/sources.js";
import { checkStamps, digestStamps } from "./check-stamps.js";
import { differences, type RunIdentity, refuseOtherVersion } from "./identity.js";
import { takeLock } from "./lock.js";
import type { RunManifest } from "./output.js";
import { type Committed, checkParts } from "./parts.js";
import { type RunPaths, runFiles } from "./paths.js";

/** What workers of a queue need to know of a run besides its identity; kept in `queue.json`. */
export interface QueueFacts {
  queue: string;
  /** Tiles of a part. */
  partTiles: number;
  /** Folder of the model. */
  model: string;
  /** Where the backbone's file is, or null for where its card says. */
  backbone: string | null;
  /** See `WatchOptions`. */
  maxUnreadable: number | null;
}

export interface RunRequest {
  paths: RunPaths;
  inputs: TileInputs;
  /** What the run is of; its input is found out here. */
  identity: Omit<RunIdentity, "input">;
  resume: boolean;
  overwrite: boolean;
  /** Set where workers of a queue are to do the parts. */
  queue?: QueueFacts;
  stdin?: OpenTilesOptions["stdin"];
}

export interface OpenedRun {
  identity: RunIdentity;
  committed: Committed;
  /** Files that were no tiles by their name. */
  ignored: number;
  /** Set where the run was finished before, and nothing is left to do. */
  finished?: RunManifest;
  /** Ends this process's hold on the run. */
  close(): Promise<void>;
}

const NOTHING: Committed = { parts: 0, tiles: 0, predicted: 0, rejected: 0 };

/** Begins, resumes, or finds finished the run that `request` asks for. Throws an InputError where its output may not be touched. */
export async function openRun(request: RunRequest, context: RunContext): Promise<OpenedRun> {
  const { paths } = request;
  await refuseFolder(paths.out, paths.rejects, paths.manifest);
  await ensureFolder(dirname(paths.folder));
  await checkMayBegin(request);
  await ensureFolder(paths.folder);
  const release = await takeLock(runFiles(paths.folder).lock);
  try {
    // A folder without identity is the rest of a finished or never begun run; a copy of standard input may be in it, too.
    if (request.overwrite || !(await exists(runFiles(paths.folder).identity))) await clearRun(paths.folder);
    const opened = await openTiles(request.inputs, {
      spoolFolder: paths.folder,
      signal: context.signal,
      onBytes: (bytes) =>
        context.onProgress?.({ stage: "copy", done: Math.floor(bytes / 2 ** 20), rejected: 0, unit: "MiB" }),
      ...(request.stdin ? { stdin: request.stdin } : {}),
    });
    const run = await (request.resume ? resume(request, opened, context) : begin(request, opened, context));
    if (run.finished) await rm(paths.folder, { recursive: true, force: true });
    return { ...run, ignored: opened.ignored(), close: release };
  } catch (error) {
    await release();
    const begun = await readJson(runFiles(paths.folder).identity).catch(() => true);
    if (begun === undefined) await rm(paths.folder, { recursive: true, force: true });
    throw error;
  }
}

async function checkMayBegin({ paths, resume, overwrite }: RunRequest): Promise<void> {
  if (resume && overwrite) throw new InputError("--resume and --overwrite contradict each other: give one of them.");
  if (resume || overwrite) return;
  if ((await readJson(runFiles(paths.folder).identity)) !== undefined) {
    throw new InputError(
      `An unfinished run of ${paths.out} is in ${paths.folder}: go on with --resume, or start anew with --overwrite.`,
    );
  }
  if (await exists(paths.out)) {
    throw new InputError(`${paths.out} exists already: replace it with --overwrite, or give --out another name.`);
  }
}

/** Forgets the run in `folder`, but not the lock in it. */
async function clearRun(folder: string): Promise<void> {
  const files = runFiles(folder);
  await rm(files.identity, { force: true });
  for (const name of await readdir(folder)) {
    if (!files.lock.endsWith(name)) await rm(`${folder}/${name}`, { recursive: true, force: true });
  }
}

type Begun = Pick<OpenedRun, "identity" | "committed" | "finished">;

async function begin(request: RunRequest, opened: OpenedTiles, context: RunContext): Promise<Begun> {
  const files = runFiles(request.paths.folder);
  const list = await writeTileList(files.tiles, opened.list(), listOptions(request, context));
  warnOfDuplicates(list, context);
  const { tiles, sha256, whole } = list;
  const identity = { ...request.identity, input: { tiles, sha256, whole, stdin: opened.stdinSha256 ?? null } };
  await writeQueueFacts(request);
  await writeWhole(files.identity, `${JSON.stringify(identity, null, 2)}\n`);
  // Parts are worth nothing where a power cut takes the folder they lie in.
  await syncFolder(dirname(request.paths.folder));
  return { identity, committed: NOTHING };
}

async function resume(request: RunRequest, opened: OpenedTiles, context: RunContext): Promise<Begun> {
  const { paths } = request;
  const files = runFiles(paths.folder);
  const identity = await readJson<RunIdentity>(files.identity);
  if (identity === undefined) return (await findFinished(request, opened, context)) ?? begin(request, opened, context);
  refuseDifferences(identity, request, paths.folder);
  refuseOtherWay(await readJson<QueueFacts>(files.queue), request);
  refuseOtherStdin(identity, opened);
  await writeQueueFacts(request);
  await checkTileList(files.tiles, opened.list(), listOptions(request, context));
  // Parts of a queue come in any order; whoever enqueues them looks at them one by one.
  const committed = request.queue ? NOTHING : await checkParts(paths.folder, context);
  await checkStamps(paths.folder, context);
  return { identity, committed };
}

async function writeQueueFacts({ queue, paths }: RunRequest): Promise<void> {
  if (queue) await writeWhole(runFiles(paths.folder).queue, `${JSON.stringify(queue)}\n`);
}

async function findFinished(request: RunRequest, opened: OpenedTiles, context: RunContext): Promise<Begun | undefined> {
  const { paths } = request;
  if (!(await exists(paths.out))) return undefined;
  const manifest = await readJson<RunManifest>(paths.manifest);
  if (manifest === undefined) {
    throw new InputError(`${paths.out} exists, without a manifest to resume from: replace it with --overwrite.`);
  }
  refuseDifferences(manifest, request, paths.out);
  refuseOtherStdin(manifest, opened);
  const now = await digestTileList(opened.list(), listOptions(request, context));
  if (now.sha256 !== manifest.input.sha256) {
    const { tiles } = manifest.input;
    const count =
      tiles === now.tiles ? `still ${tiles} tiles, but other ones` : `${tiles} tiles then, ${now.tiles} now`;
    throw new InputError(`${paths.out} is finished, and of another input (${count}): replace it with --overwrite.`);
  }
  if (
    (await digestStamps(selectedTiles(opened.list(), listOptions(request, context)), context)) !== manifest.contents
  ) {
    throw new InputError(
      `${paths.out} is finished, and files of its input have another size or time of modification now: replace it with --overwrite.`,
    );
  }
  const { tiles, predicted, rejected } = manifest;
  return { identity: manifest, committed: { parts: 0, tiles, predicted, rejected }, finished: manifest };
}

/** Where standard input is a list, the list of tiles says what is other. */
function refuseOtherStdin({ input }: RunIdentity, { stdinSha256 }: OpenedTiles): void {
  if (input.stdin === (stdinSha256 ?? null)) return;
  throw new InputError(
    "The input has changed since the run began: standard input brings another archive, or the copy of the first one is damaged. Pipe in the same one to resume, or start anew with --overwrite.",
  );
}

function refuseDifferences(before: RunIdentity, { identity }: RunRequest, where: string): void {
  refuseOtherVersion(before, `The run in ${where}`);
  const changes = differences(before, identity);
  if (changes.length === 0) return;
  throw new InputError(
    `The run in ${where} cannot be resumed, because ${changes.join("; ")}. Give what it began with, or start anew with --overwrite.`,
  );
}

/** Parts of a queue are cut beforehand and done in any order, those of a process as they come: one cannot go on with the other's. */
function refuseOtherWay(before: QueueFacts | undefined, { queue, paths }: RunRequest): void {
  if (before === undefined && queue === undefined) return;
  if (before === undefined) throw new InputError(`${paths.folder} is a run of canopy predict: resume it with that.`);
  if (queue === undefined) {
    throw new InputError(`${paths.folder} is a run of the queue ${before.queue}: resume it with canopy enqueue.`);
  }
  if (before.queue !== queue.queue || before.partTiles !== queue.partTiles) {
    throw new InputError(
      `${paths.folder} is in the queue ${before.queue} in parts of ${before.partTiles} tiles: resume it with --queue ${before.queue} --part-tiles ${before.partTiles}.`,
    );
  }
}

function listOptions({ identity }: RunRequest, { signal, onProgress }: RunContext): ListOptions {
  const onTile = (done: number): void => onProgress?.({ stage: "list", done, rejected: 0 });
  return { shard: identity.shard ?? undefined, signal, onTile };
}

function warnOfDuplicates({ duplicates, compared, tiles }: WrittenTileList, { onWarning }: RunContext): void {
  if (duplicates === 0) return;
  const among = compared < tiles ? ` among the first ${compared} names` : "";
  const verb = duplicates === 1 ? "tile has the name" : "tiles have the name";
  onWarning?.(
    `${duplicates} ${verb} of an earlier one${among}: their rows differ only in their place and, in JSON lines, their path.`,
  );
}
