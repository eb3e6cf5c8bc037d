/** An existing run: whether it is the one asked for, and how far it is. */
import { InputError } from "../errors.js";
import { exists } from "../files/facts.js";
import type { RunContext } from "../run-context.js";
import type { OpenedTiles } from "../tiles/sources.js";
import { type Tile, tileLocation } from "../tiles/tile.js";
import { type DoneTiles, digestTileList, rewriteTileList } from "../tiles/write-list.js";
import type { QueueFacts, RunIdentity } from "./formats.js";
import { differences, readManifest } from "./identity.js";
import { type Committed, checkParts, listParts } from "./parts.js";
import { runFiles } from "./paths.js";
import { listOptions, type RunRequest, type RunState, readQueueFacts, writeQueueFacts } from "./run-request.js";

const NOTHING: Committed = { parts: 0, tiles: 0, predicted: 0, rejected: 0 };

/**
 * Resumes the unfinished run `identity`. Throws an InputError if another run is asked for, or its input has changed.
 */
export async function resumeRun(
  identity: RunIdentity,
  request: RunRequest,
  opened: OpenedTiles,
  context: RunContext,
): Promise<RunState> {
  const { folder } = request.paths;
  refuseDifferences(identity, request, folder);
  refuseOtherWay(await readQueueFacts(folder), request);
  refuseOtherStdin(identity, opened);
  // Parts of a queue are done in any order; `enqueue` checks them one by one.
  const committed = request.queue ? NOTHING : await checkParts(folder, context);
  const isDone = request.queue ? await inParts(folder, request.queue.partTiles) : upTo(committed.tiles);
  const appeared = new AppearedTiles();
  const done: DoneTiles = { isDone, onAppeared: (tile) => appeared.add(tile) };
  await rewriteTileList(runFiles(folder).tiles, opened.list(), done, listOptions(opened, context));
  appeared.warn(context);
  await writeQueueFacts(request);
  return { identity, committed };
}

/**
 * The finished output that is asked for, undefined if there is none. Throws an InputError if it is another one.
 */
export async function findFinished(
  request: RunRequest,
  opened: OpenedTiles,
  context: RunContext,
): Promise<RunState | undefined> {
  const { out } = request.paths;
  if (!(await exists(out))) return undefined;
  const manifest = await readManifest(request.paths);
  if (manifest === undefined) {
    throw new InputError(`${out} exists, without a manifest to resume from: replace it with \`overwrite\`.`);
  }
  refuseDifferences(manifest, request, out);
  refuseOtherStdin(manifest, opened);
  const now = await digestTileList(opened.list(), listOptions(opened, context));
  if (now.sha256 !== manifest.input.sha256) {
    const { tiles } = manifest.input;
    const count =
      tiles === now.tiles ? `still ${tiles} tiles, but other ones` : `${tiles} tiles then, ${now.tiles} now`;
    throw new InputError(`${out} is finished, and of another input (${count}): replace it with \`overwrite\`.`);
  }
  if (now.fileSha256 !== manifest.contents) {
    throw new InputError(
      `${out} is finished, and files of its input have another size or time of modification now: replace it with ` +
        "`overwrite`.",
    );
  }
  const { tiles, predicted, rejected } = manifest;
  return { identity: manifest, committed: { parts: 0, tiles, predicted, rejected }, finished: manifest };
}

function upTo(tiles: number): DoneTiles["isDone"] {
  return (index) => index < tiles;
}

async function inParts(folder: string, partTiles: number): Promise<DoneTiles["isDone"]> {
  const parts = new Set(await listParts(folder));
  return (index) => parts.has(Math.floor(index / partTiles));
}

/**
 * Tiles that are done, were missing when the run began, and exist now. They do not stop the run: a share may have been
 * away for a moment.
 */
class AppearedTiles {
  #first: Tile | undefined;
  #count = 0;

  add(tile: Tile): void {
    this.#first ??= tile;
    this.#count++;
  }

  warn({ onWarning }: RunContext): void {
    if (this.#first === undefined) return;
    const first = tileLocation(this.#first);
    const which =
      this.#count === 1
        ? `${first} was not there when the run began, and is`
        : `${this.#count} tiles, the first is ${first}, were not there when the run began, and are`;
    onWarning?.(`${which} now: what was rejected stays so; a run of @<out>.rejects.jsonl takes it up.`);
  }
}

/** If standard input is a list, the comparison of the tile lists names the difference. */
function refuseOtherStdin({ input }: RunIdentity, { stdinSha256 }: OpenedTiles): void {
  if (input.stdin === (stdinSha256 ?? null)) return;
  throw new InputError(
    "The input has changed since the run began: standard input brings another archive, or the copy of the first one " +
      "is damaged. Pipe in the same one to resume, or start anew with `overwrite`.",
  );
}

function refuseDifferences(before: RunIdentity, { identity }: RunRequest, where: string): void {
  const changes = differences(before, identity);
  if (changes.length === 0) return;
  throw new InputError(
    `The run in ${where} cannot be resumed, because ${changes.join("; ")}. Give what it began with, or start anew ` +
      "with `overwrite`.",
  );
}

/**
 * Parts of a queue are fixed beforehand and done in any order; a single process cuts them as it goes. So neither can go
 * on with the other's.
 */
function refuseOtherWay(before: QueueFacts | undefined, { queue, paths }: RunRequest): void {
  if (before === undefined && queue === undefined) return;
  if (before === undefined) throw new InputError(`${paths.folder} is a run of \`predict\`: resume it with that.`);
  if (queue === undefined) {
    throw new InputError(`${paths.folder} is a run of the queue ${before.queue}: resume it with \`enqueue\`.`);
  }
  if (before.queue !== queue.queue || before.partTiles !== queue.partTiles) {
    const { queue: name, partTiles } = before;
    throw new InputError(
      `${paths.folder} is in the queue ${name} in parts of ${partTiles} tiles: resume it with ` +
        `\`queue: ${name}\` and \`partTiles: ${partTiles}\`.`,
    );
  }
}
