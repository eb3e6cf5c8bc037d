/** piscina entry of a decode worker: decodes one chunk of tiles into its place in a slot. */
import { statSync } from "node:fs";
import { loadAddon } from "../addon.js";
import { refuseIfStopped } from "../stop-flag.js";
import { alterTiles } from "./alter.js";
import type { Augmentation } from "./augmentation.js";
import { DECODE_DEFAULTS, type DecodeOptions, type DecodeOutcome, type DecodeSource } from "./decoder.js";
import { mostFileBytes } from "./memory.js";
import { decodeWithAddon } from "./native.js";
import { resizeRgb } from "./resize.js";
import { resizeWithin } from "./window.js";

export interface DecodeTask {
  tiles: DecodeSource[];
  /** Memory of the slots; tile i goes to `byteOffset + i * size * size * 3`. */
  buffer: SharedArrayBuffer;
  byteOffset: number;
  options: DecodeOptions;
  /** How each tile is altered. @default not at all */
  augmentations?: readonly Augmentation[] | undefined;
  /** See `refuseIfStopped`. */
  stop?: SharedArrayBuffer;
}

let turn: Promise<unknown> = Promise.resolve();

/** Outcomes of the chunk, or undefined if every tile was decoded. One chunk at a time: memory is planned for that. */
export function decodeChunk(task: DecodeTask): Promise<DecodeOutcome[] | undefined> {
  const outcomes = turn.then(() => decodeTiles(task));
  turn = outcomes.catch(() => undefined);
  return outcomes;
}

async function decodeTiles(task: DecodeTask): Promise<DecodeOutcome[] | undefined> {
  const { tiles, options } = task;
  if (options.maxBytes === DECODE_DEFAULTS.maxBytes) return decodeAll(task);
  const most = mostFileBytes(options.maxBytes);
  const heavy = tiles.map((tile) => bytesOf(tile) > most);
  if (!heavy.includes(true)) return decodeAll(task);
  const spared = tiles.map((tile, i) => (heavy[i] ? { bytes: new Uint8Array() } : tile));
  const outcomes = await decodeAll({ ...task, tiles: spared });
  const message = `File exceeds the limit of ${most} bytes that the memory budget leaves for it`;
  return tiles.map((_, i) => (heavy[i] ? { code: "LIMIT", message } : outcomes?.[i]));
}

/**
 * Bytes of the tile's file, of its part of an archive, or in memory; 0 if it cannot be read, which decoding reports.
 */
function bytesOf(source: DecodeSource): number {
  if ("pixels" in source) return source.pixels.length;
  if ("bytes" in source) return source.bytes.length;
  const { path, byteLength, inflatedLength } = source;
  if (byteLength !== undefined) return inflatedLength ?? byteLength;
  try {
    return statSync(path).size;
  } catch {
    return 0;
  }
}

async function decodeAll(task: DecodeTask): Promise<DecodeOutcome[] | undefined> {
  const { tiles, options } = task;
  const stride = options.size * options.size * 3;
  const target = new Uint8Array(task.buffer, task.byteOffset, tiles.length * stride);
  const addon = loadAddon();
  const windows = task.augmentations?.map(({ window }) => window);
  const throughSharp = async (tile: DecodeSource, place: Uint8Array, i: number): Promise<DecodeOutcome> => {
    refuseIfStopped(task.stop);
    // Loaded when first needed: a run over JPEGs does not load libvips.
    const { decodeWithSharp } = await import("./sharp.js");
    const resize = addon ? addon.resizeRgb : resizeRgb;
    return decodeWithSharp(tile, place, options, windows ? resizeWithin(windows[i], resize) : resize);
  };
  const outcomes = addon
    ? await decodeWithAddon(addon, tiles, target, options, throughSharp, windows)
    : await decodeOneByOne(tiles, (tile, i) => throughSharp(tile, target.subarray(i * stride, (i + 1) * stride), i));
  if (task.augmentations) alterTiles(target, options.size, task.augmentations, addon);
  return outcomes;
}

async function decodeOneByOne(
  tiles: readonly DecodeSource[],
  decode: (tile: DecodeSource, i: number) => Promise<DecodeOutcome>,
): Promise<DecodeOutcome[] | undefined> {
  const outcomes: DecodeOutcome[] = [];
  for (const [i, tile] of tiles.entries()) outcomes.push(await decode(tile, i));
  return outcomes.some((outcome) => outcome !== undefined) ? outcomes : undefined;
}
