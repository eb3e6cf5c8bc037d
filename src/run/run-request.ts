/** A request for a run, and the state of the run. */
import { readJson } from "../files/read-json.js";
import { writeWhole } from "../files/write.js";
import type { RunContext } from "../run-context.js";
import type { TileInputs } from "../tiles/inputs.js";
import type { OpenedTiles, OpenTilesOptions } from "../tiles/sources.js";
import { cutTileList } from "../tiles/tile-list.js";
import type { ListOptions } from "../tiles/write-list.js";
import { QUEUE_FACTS, type QueueFacts, type RunIdentity, type RunManifest } from "./formats.js";
import type { RunKind } from "./identity.js";
import type { Committed } from "./parts.js";
import { isSpooled, type RunPaths, runFiles } from "./paths.js";

export interface RunRequest {
  paths: RunPaths;
  inputs: TileInputs;
  /** The run's identity, except its input, which is listed. */
  identity: RunKind;
  resume: boolean;
  overwrite: boolean;
  /** Set if workers of a queue do the parts. */
  queue?: Omit<QueueFacts, "offsets">;
  stdin?: OpenTilesOptions["stdin"];
}

/** The state of a run. */
export interface RunState {
  identity: RunIdentity;
  committed: Committed;
  /** Set if the run is finished and nothing is left to do. */
  finished?: RunManifest;
}

export function listOptions({ share }: OpenedTiles, { signal, onProgress }: RunContext): ListOptions {
  const onTile = (done: number): void => onProgress?.({ stage: "list", done, rejected: 0 });
  return { share, isCopy: isSpooled, signal, onTile };
}

/** The queue that the run in `folder` is in; undefined for a run of one process. */
export function readQueueFacts(folder: string): Promise<QueueFacts | undefined> {
  const advice = "Enqueue the run anew with `overwrite`.";
  return readJson(runFiles(folder).queue, QUEUE_FACTS, { advice });
}

/** Written after the tile list, because it says where parts begin in it. */
export async function writeQueueFacts({ queue, paths }: RunRequest): Promise<void> {
  if (queue === undefined) return;
  const files = runFiles(paths.folder);
  const offsets: number[] = [];
  for await (const { byteOffset } of cutTileList(files.tiles, queue.partTiles)) offsets.push(byteOffset);
  await writeWhole(files.queue, `${JSON.stringify({ ...queue, offsets } satisfies QueueFacts)}\n`);
}
