/** Finds the tile that crashes its process: tiles are decoded and run one by one in a child process. */
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { NativeTile } from "../addon.js";
import { placeOf } from "../decode/decoder.js";
import { mostFileBytes } from "../decode/memory.js";
import type { ProbeSetup } from "../engine/engine.js";
import { CanopyError, InterruptedError } from "../errors.js";
import { CompressedTiles } from "../tiles/compressed-tiles.js";
import type { Tile, TileFailure } from "../tiles/tile.js";

/** A tile that crashes its process, or makes the backbone fail. */
interface Crash extends TileFailure {
  code: "CRASH";
}

export interface ProbeOrder extends ProbeSetup {
  tiles: readonly ProbeTile[];
}

/** Where a tile's bytes are, or themselves; null for a tile known to be bad. */
export type ProbeTile = NativeTile | { base64: string } | null;

/** A message of the child process: the tile it begins, a failure of the backbone on it, or that all are done. */
export type ProbeSign = { tile: number; failure?: string } | "done";

/** A tile that takes longer counts as hanging. */
const TILE_SECONDS = 60;
/** How long the child may take to start. */
const START_SECONDS = 300;

const PROBE = fileURLToPath(new URL("./probe.js", import.meta.url));

/**
 * Finds those of `tiles` (by their index) that kill or hang a process that decodes them and runs `model` on them, or
 * make the model fail, and says how. A tile must kill it twice: the first time something else may have killed it.
 */
export async function findCrashers(
  tiles: readonly Tile[],
  model: Uint8Array,
  setup: ProbeSetup,
  signal?: AbortSignal,
): Promise<Map<number, Crash>> {
  const crashers = new Map<number, Crash>();
  const compressed = new CompressedTiles({ ...(signal && { signal }) });
  let first = 0;
  try {
    // Unpacked here: how long that takes is no tile's fault.
    for await (const piece of compressed.pieces(tiles, mostFileBytes(setup.decode.maxBytes))) {
      const found = await findAmong(piece.map(forProbe), model, setup, signal);
      for (const [place, crash] of found) crashers.set(first + place, crash);
      first += piece.length;
    }
  } finally {
    await compressed.close();
  }
  return crashers;
}

function forProbe(tile: Tile): ProbeTile {
  if (tile.failure !== undefined) return null;
  const place = placeOf(tile);
  return "bytes" in place ? { base64: Buffer.from(place.bytes).toString("base64") } : place;
}

async function findAmong(
  tiles: readonly ProbeTile[],
  model: Uint8Array,
  setup: ProbeSetup,
  signal: AbortSignal | undefined,
): Promise<Map<number, Crash>> {
  const crashers = new Map<number, Crash>();
  const blame = (place: number, what: string) => crashers.set(place, { code: "CRASH", message: what });
  for (let from = 0; from < tiles.length; ) {
    let end = await probe({ ...setup, tiles: tiles.slice(from) }, model, signal);
    for (const [place, failure] of end.failures) blame(from + place, `the backbone fails on it: ${failure}`);
    if (end.done) break;
    if (end.last === undefined) {
      throw probeError(end.how);
    }
    const culprit = from + end.last;
    if (!end.hung) end = await probe({ ...setup, tiles: [tiles[culprit]] }, model, signal);
    if (!end.done) blame(culprit, `decoding it or running the backbone on it ${end.how}`);
    from = culprit + 1;
  }
  return crashers;
}

interface ProbeEnd {
  done: boolean;
  hung: boolean;
  /** The tile that was begun last. */
  last: number | undefined;
  failures: Map<number, string>;
  how: string;
}

/** One child process, until it has done all its tiles or died. */
function probe(order: ProbeOrder, model: Uint8Array, signal?: AbortSignal): Promise<ProbeEnd> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [PROBE], { stdio: ["pipe", "pipe", "inherit"] });
    // Before all else: without file handles it has no pipes, and an error nobody listens to ends this process.
    child.on("error", (cause) => reject(probeError(`cannot be started (${cause.message})`, { cause })));
    if (child.stdout === undefined) return;
    const end: ProbeEnd = { done: false, hung: false, last: undefined, failures: new Map(), how: "" };
    const hangs = (): void => {
      end.hung = true;
      child.kill("SIGKILL");
    };
    let watchdog = setTimeout(hangs, START_SECONDS * 1000);
    const abort = (): void => void child.kill("SIGKILL");
    signal?.addEventListener("abort", abort);
    createInterface({ input: child.stdout }).on("line", (line) => {
      clearTimeout(watchdog);
      watchdog = setTimeout(hangs, TILE_SECONDS * 1000);
      take(JSON.parse(line), end);
    });
    child.on("close", (code, by) => {
      clearTimeout(watchdog);
      signal?.removeEventListener("abort", abort);
      if (signal?.aborted) return reject(new InterruptedError());
      end.how = end.hung ? `took more than ${TILE_SECONDS} s` : `ended the process with ${by ?? `exit code ${code}`}`;
      resolve(end);
    });
    child.stdin.on("error", () => {});
    child.stdin.write(`${JSON.stringify(order)}\n`);
    child.stdin.end(model);
  });
}

function probeError(how: string, options?: ErrorOptions): CanopyError {
  return new CanopyError("PROBE", `The process that looks for the crashing tile ${how}.`, options);
}

function take(sign: ProbeSign, end: ProbeEnd): void {
  if (sign === "done") end.done = true;
  else if (sign.failure === undefined) end.last = sign.tile;
  else end.failures.set(sign.tile, sign.failure);
}
