/** DecodePool: the decode workers. Tiles go in, pixels appear in shared memory, outcomes come back. */

import { types } from "node:util";
import type { Piscina } from "piscina";
import { loadAddon, searchAddon } from "../addon.js";
import { addonRemedy } from "../addon-file.js";
import { checkInteger } from "../check.js";
import { InterruptedError } from "../errors.js";
import { usableCores } from "../machine.js";
import type { RunContext } from "../run-context.js";
import { StopFlag } from "../stop-flag.js";
import { CompressedTiles, needsLoading } from "../tiles/compressed-tiles.js";
import type { Tile } from "../tiles/tile.js";
import { createWorkerPool, endWorkerPool } from "../worker-pool.js";
import type { Augmentation } from "./augmentation.js";
import { crashFailure, type DecodeOptions, type DecodeOutcome, type DecodeSource, placeOf } from "./decoder.js";
import { mostFileBytes } from "./memory.js";
import type { DecodeTask } from "./worker.js";

export interface DecodePoolOptions {
  /** Number of decode threads. @default one per core */
  workers?: number;
}

/** The target of a chunk's pixels: `[tiles, size, size, 3]` uint8 from `byteOffset` of `buffer`. */
export interface PixelTarget {
  buffer: SharedArrayBuffer;
  byteOffset: number;
}

/** Version of the pixels that are not the addon's: those of sharp and of TIFF's bands; counted up whenever they may change. */
const SHARP_VERSION = 4;

type Threads = Piscina<DecodeTask, DecodeOutcome[] | undefined>;

export class DecodePool {
  readonly workers: number;
  readonly #threads: Threads;
  readonly #stop: StopFlag;
  readonly #compressed: CompressedTiles;
  /** A thread for one tile at a time, started when a chunk made its worker fail. */
  #quarantine: Threads | undefined;

  constructor(options: DecodePoolOptions = {}, context: RunContext = {}) {
    const { workers = usableCores() } = options;
    checkInteger("workers", workers, 1, 1024);
    this.workers = workers;
    this.#stop = new StopFlag(context.signal);
    this.#compressed = new CompressedTiles(context);
    if (loadAddon() === undefined) warnWithoutAddon(context);
    // Two tasks per thread: while it decodes one, its next one is already there, so that it never waits for the main
    // thread.
    this.#threads = startThreads(workers, 2);
  }

  /**
   * Decodes a chunk in one worker, each tile altered by its augmentation; tiles known to be bad are not touched.
   * @returns undefined if every tile is fine, else one outcome per tile. Never rejects because of a tile or its worker:
   * if a worker throws or dies, its tiles are tried again one by one, and a tile that does it alone has the outcome
   * CRASH.
   * @throws InterruptedError if the context's signal is aborted, as soon as the tile in hand is done
   */
  async decode(
    tiles: readonly Tile[],
    target: PixelTarget,
    options: DecodeOptions,
    augmentations?: readonly Augmentation[],
  ): Promise<DecodeOutcome[] | undefined> {
    const only = (i: number) => augmentations && [augmentations[i]];
    if (tiles.some(needsLoading)) return this.#decodeUnpacked(tiles, target, options, augmentations);
    if (tiles.some((tile) => tile.failure)) {
      return decodeSingly(tiles, target, options, (tile, place, i) => this.decode([tile], place, options, only(i)));
    }
    try {
      const task = { tiles: tiles.map(sourceOf), ...target, options, augmentations, stop: this.#stop.buffer };
      return await this.#threads.run(task);
    } catch {
      if (this.#stop.raised) throw new InterruptedError();
      return decodeSingly(tiles, target, options, (tile, place, i) => this.#decodeAlone(tile, place, options, only(i)));
    }
  }

  /** Tiles of compressed archives, a few at a time, because their bytes are in memory. */
  async #decodeUnpacked(
    tiles: readonly Tile[],
    { buffer, byteOffset }: PixelTarget,
    options: DecodeOptions,
    augmentations: readonly Augmentation[] | undefined,
  ): Promise<DecodeOutcome[] | undefined> {
    const outcomes: DecodeOutcome[] = [];
    for await (const piece of this.#compressed.pieces(tiles, mostFileBytes(options.maxBytes))) {
      const from = outcomes.length;
      const place = { buffer, byteOffset: byteOffset + from * options.size ** 2 * 3 };
      const some = augmentations?.slice(from, from + piece.length);
      outcomes.push(...((await this.decode(piece, place, options, some)) ?? piece.map(() => undefined)));
    }
    return outcomes.some((outcome) => outcome !== undefined) ? outcomes : undefined;
  }

  /** The worker has no other tile, so its failure is due to this one. */
  async #decodeAlone(
    tile: Tile,
    place: PixelTarget,
    options: DecodeOptions,
    augmentations: readonly Augmentation[] | undefined,
  ): Promise<DecodeOutcome[] | undefined> {
    this.#quarantine ??= startThreads(1, 1);
    try {
      const task = { tiles: [sourceOf(tile)], ...place, options, augmentations, stop: this.#stop.buffer };
      return await this.#quarantine.run(task);
    } catch (error) {
      if (this.#stop.raised) throw new InterruptedError();
      return [crashFailure(error as Error)];
    }
  }

  /** Waits for running tasks, then ends the workers. */
  async close(): Promise<void> {
    this.#stop.close();
    await this.#compressed.close();
    await Promise.all([this.#threads, this.#quarantine].map((threads) => threads && endWorkerPool(threads)));
  }
}

function startThreads(count: number, tasksPerThread: number): Threads {
  return createWorkerPool(new URL("./worker.js", import.meta.url), "decodeChunk", count, tasksPerThread);
}

async function decodeSingly(
  tiles: readonly Tile[],
  { buffer, byteOffset }: PixelTarget,
  options: DecodeOptions,
  decode: (tile: Tile, place: PixelTarget, i: number) => Promise<DecodeOutcome[] | undefined>,
): Promise<DecodeOutcome[]> {
  const outcomes: DecodeOutcome[] = [];
  for (const [i, tile] of tiles.entries()) {
    const place: PixelTarget = { buffer, byteOffset: byteOffset + i * options.size ** 2 * 3 };
    outcomes.push(tile.failure ?? (await decode(tile, place, i))?.[0]);
  }
  return outcomes;
}

/** Says which code makes the pixels; part of every feature cache key. */
export function decoderVersion(): string {
  const addon = loadAddon();
  return addon ? `addon-${addon.decoderVersion}.${SHARP_VERSION}` : `sharp-${SHARP_VERSION}`;
}

/** Only what a worker needs; names stay here. */
function sourceOf(tile: Tile): DecodeSource {
  const { content } = tile;
  if (content !== undefined && "pixels" in content) return { ...content, pixels: alone(content.pixels) };
  const source = placeOf(tile);
  return "bytes" in source ? { bytes: alone(source.bytes) } : source;
}

/** Copied: a message to a worker carries the whole buffer of a view, and shared memory may change. */
function alone(bytes: Uint8Array): Uint8Array {
  // Memory that was transferred since can be neither sent nor copied.
  if (bytes.byteLength === 0) return new Uint8Array(0);
  const whole = bytes.byteLength === bytes.buffer.byteLength && !types.isSharedArrayBuffer(bytes.buffer);
  return whole ? bytes : new Uint8Array(bytes);
}

const warned = new WeakSet<NonNullable<RunContext["onWarning"]>>();

function warnWithoutAddon({ onWarning }: RunContext): void {
  if (onWarning === undefined || warned.has(onWarning)) return;
  warned.add(onWarning);
  const search = searchAddon();
  if ("addon" in search) return;
  onWarning(
    `There is no native decoder (${search.reason}), so tiles are decoded through sharp: the colours are right, but it is several times ` +
      `slower. To mend it, ${addonRemedy()}; \`canopy doctor\` says more.`,
  );
}
