/** What runs in a decode worker (piscina's entry): one chunk of tiles into its place in a slot. */
import { loadAddon, type NativeTile } from "../addon.js";
import { stampFiles } from "../tiles/stamp.js";
import type { DecodeOptions, DecodeOutcome, StampTarget } from "./decoder.js";
import { decodeWithAddon } from "./native.js";
import { resizeRgb } from "./resize.js";

export interface DecodeTask {
  tiles: NativeTile[];
  /** Memory of the slots; tile i goes to `byteOffset + i * size * size * 3`. */
  buffer: SharedArrayBuffer;
  byteOffset: number;
  /** Where the tiles' stamps go, if anybody wants them. */
  stamps?: StampTarget;
  options: DecodeOptions;
}

let turn: Promise<unknown> = Promise.resolve();

/** Outcomes of the chunk, or undefined where every tile is fine. One chunk at a time: memory is planned for that. */
export function decodeChunk(task: DecodeTask): Promise<DecodeOutcome[] | undefined> {
  const outcomes = turn.then(() => decodeTiles(task));
  turn = outcomes.catch(() => undefined);
  return outcomes;
}

async function decodeTiles(task: DecodeTask): Promise<DecodeOutcome[] | undefined> {
  const { tiles, options, stamps } = task;
  // Before the files are read: one that changes meanwhile has an old stamp, and is seen to have changed.
  if (stamps)
    stampFiles(
      tiles.map(({ path }) => path),
      new Uint32Array(stamps.buffer, stamps.byteOffset, tiles.length),
    );
  const stride = options.size * options.size * 3;
  const target = new Uint8Array(task.buffer, task.byteOffset, tiles.length * stride);
  const addon = loadAddon();
  const throughSharp = async (tile: NativeTile, place: Uint8Array): Promise<DecodeOutcome> => {
    // Loaded when first needed: a run over JPEGs never pays for libvips.
    const { decodeWithSharp } = await import("./sharp.js");
    return decodeWithSharp(tile, place, options, addon ? addon.resizeRgb : resizeRgb);
  };
  if (addon) return decodeWithAddon(addon, tiles, target, options, throughSharp);
  const outcomes: DecodeOutcome[] = [];
  for (const [i, tile] of tiles.entries()) {
    outcomes.push(await throughSharp(tile, target.subarray(i * stride, (i + 1) * stride)));
  }
  return outcomes.some((outcome) => outcome !== undefined) ? outcomes : undefined;
}
