/** Finds the tile that crashes its process: suspects are decoded one by one in a child process, which may die of it. */
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { DecodeOptions } from "../decode/decoder.js";
import { CanopyError, InterruptedError } from "../errors.js";
import type { Tile, TileFailure } from "../tiles/tile.js";

export interface ProbeOrder {
  tiles: Tile[];
  options: DecodeOptions;
}

/** A tile that takes longer hangs. */
const TILE_SECONDS = 60;

const PROBE = fileURLToPath(new URL("./probe.js", import.meta.url));

/** Which of `tiles` (by their place in it) kill or hang a process that decodes them, and how. */
export async function findCrashers(
  tiles: readonly Tile[],
  options: DecodeOptions,
  signal?: AbortSignal,
): Promise<Map<number, TileFailure>> {
  const crashers = new Map<number, TileFailure>();
  for (let from = 0; from < tiles.length; ) {
    const end = await probe({ tiles: tiles.slice(from), options }, signal);
    if (end.done) break;
    if (end.last === undefined)
      throw new CanopyError("PROBE", `The process that looks for the crashing tile ${end.how}.`);
    crashers.set(from + end.last, { code: "CRASH", message: `decoding it ${end.how}` });
    from += end.last + 1;
  }
  return crashers;
}

interface ProbeEnd {
  done: boolean;
  /** The tile that was begun last. */
  last: number | undefined;
  how: string;
}

/** One child process, until it has done all its tiles or died. */
function probe(order: ProbeOrder, signal?: AbortSignal): Promise<ProbeEnd> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [PROBE], { stdio: ["pipe", "pipe", "inherit"] });
    const end: ProbeEnd = { done: false, last: undefined, how: "" };
    let hung = false;
    const hangs = (): void => {
      hung = true;
      child.kill("SIGKILL");
    };
    let watchdog = setTimeout(hangs, TILE_SECONDS * 1000);
    const abort = (): void => void child.kill("SIGKILL");
    signal?.addEventListener("abort", abort);
    createInterface({ input: child.stdout }).on("line", (line) => {
      clearTimeout(watchdog);
      watchdog = setTimeout(hangs, TILE_SECONDS * 1000);
      if (line === "done") end.done = true;
      else end.last = Number(line);
    });
    child.on("error", reject);
    child.on("close", (code, by) => {
      clearTimeout(watchdog);
      signal?.removeEventListener("abort", abort);
      if (signal?.aborted) return reject(new InterruptedError());
      end.how = hung ? `took more than ${TILE_SECONDS} s` : `ended the process with ${by ?? `exit code ${code}`}`;
      resolve(end);
    });
    child.stdin.on("error", () => {});
    child.stdin.end(JSON.stringify(order));
  });
}
