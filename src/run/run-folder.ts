/** The folder of an unfinished run: created, resumed, or found finished. */
import { readdir, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { InputError } from "../errors.js";
import { exists } from "../files/facts.js";
import { syncFolder } from "../files/folder.js";
import { takeLock } from "../files/lock.js";
import { ensureFolder, refuseFolder } from "../files/output.js";
import { writeWhole } from "../files/write.js";
import type { RunContext } from "../run-context.js";
import { type OpenedTiles, openTiles } from "../tiles/sources.js";
import { type WrittenTileList, writeTileList } from "../tiles/write-list.js";
import type { RunIdentity } from "./formats.js";
import { readIdentity } from "./identity.js";
import { runFiles } from "./paths.js";
import { findFinished, resumeRun } from "./resume.js";
import { listOptions, type RunRequest, type RunState, writeQueueFacts } from "./run-request.js";

export interface OpenedRun extends RunState {
  /** Files whose names were not those of tiles. */
  ignored: number;
  /** Releases the lock on the run. */
  close(): void;
}

/**
 * Begins or resumes the run that `request` asks for, or finds it finished. Throws an InputError if its output may not
 * be replaced.
 */
export async function openRun(request: RunRequest, context: RunContext): Promise<OpenedRun> {
  const { paths } = request;
  const { folder } = paths;
  await refuseFolder(paths.out, paths.rejects, paths.manifest);
  await ensureFolder(dirname(folder));
  await checkMayBegin(request);
  await ensureFolder(folder);
  const release = takeLock(runFiles(folder).lock, context);
  try {
    // A folder without identity is left from a finished run or one that never began. It may hold a copy of standard
    // input.
    if (request.overwrite || !(await exists(runFiles(folder).identity))) await clearRun(folder);
    const opened = await openInputs(request, context);
    const run = await takeUp(request, opened, context);
    if (run.finished) await rm(folder, { recursive: true, force: true });
    return { ...run, ignored: opened.ignored(), close: release };
  } catch (error) {
    try {
      if (!(await exists(runFiles(folder).identity))) await rm(folder, { recursive: true, force: true });
    } finally {
      release();
    }
    throw error;
  }
}

async function checkMayBegin({ paths, resume, overwrite }: RunRequest): Promise<void> {
  if (resume || overwrite) return;
  if (await exists(runFiles(paths.folder).identity)) {
    throw new InputError(
      `An unfinished run of ${paths.out} is in ${paths.folder}: go on with \`resume\`, or start anew with ` +
        "`overwrite`.",
    );
  }
  if (await exists(paths.out)) {
    const advice = "replace it with `overwrite`, or give `out` another name";
    throw new InputError(`${paths.out} exists already: ${advice}.`, { path: paths.out });
  }
}

/** Removes the run in `folder`, but not the lock. */
async function clearRun(folder: string): Promise<void> {
  const { identity, lock } = runFiles(folder);
  await rm(identity, { force: true });
  for (const name of await readdir(folder)) {
    if (name !== basename(lock)) await rm(join(folder, name), { recursive: true, force: true });
  }
}

function openInputs(
  { inputs, paths, identity, stdin }: RunRequest,
  { signal, onProgress, onWarning }: RunContext,
): Promise<OpenedTiles> {
  return openTiles(inputs, {
    spoolFolder: paths.folder,
    shard: identity.shard ?? undefined,
    names: identity.settings.names,
    signal,
    onWarning,
    onBytes: (bytes) => onProgress?.({ stage: "copy", done: Math.floor(bytes / 2 ** 20), rejected: 0, unit: "MiB" }),
    ...(stdin ? { stdin } : {}),
  });
}

async function takeUp(request: RunRequest, opened: OpenedTiles, context: RunContext): Promise<RunState> {
  if (!request.resume) return begin(request, opened, context);
  const identity = await readIdentity(request.paths.folder);
  if (identity !== undefined) return resumeRun(identity, request, opened, context);
  return (await findFinished(request, opened, context)) ?? begin(request, opened, context);
}

async function begin(request: RunRequest, opened: OpenedTiles, context: RunContext): Promise<RunState> {
  const files = runFiles(request.paths.folder);
  const list = await writeTileList(files.tiles, opened.list(), listOptions(opened, context));
  const { tiles, sha256, whole } = list;
  const identity = { ...request.identity, input: { tiles, sha256, whole, stdin: opened.stdinSha256 ?? null } };
  warnOfDuplicates(list, identity, context);
  await writeQueueFacts(request);
  await writeWhole(files.identity, `${JSON.stringify(identity, null, 2)}\n`);
  // Parts are lost if a power cut takes the folder they lie in.
  await syncFolder(dirname(request.paths.folder));
  return { identity, committed: { parts: 0, tiles: 0, predicted: 0, rejected: 0 } };
}

function warnOfDuplicates(
  { duplicates, compared, tiles }: WrittenTileList,
  { settings }: RunIdentity,
  { onWarning }: RunContext,
): void {
  if (duplicates === 0) return;
  const among = compared < tiles ? ` among the first ${compared} names` : "";
  const verb = duplicates === 1 ? "tile has the name" : "tiles have the name";
  onWarning?.(
    `${duplicates} ${verb} of an earlier one${among}: their rows differ only in their place and, but for CSV, in their ` +
      `path${settings.names === "path" ? "" : " (`names: path` keeps their folders)"}.`,
  );
}
