/** What an attack is, and how it is run: the real command in a process of its own, measured. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { ROOT } from "../helpers.js";

export interface Attack {
  /** As the table in SECURITY.md says it, and what happens. */
  what: string;
  happens: string;
  /** The most memory of all processes together, and the most time of a processor. */
  megabytes: number;
  seconds: number;
  /** Makes it in `folder`, and gives what is run; all of several end the same. */
  make: (given: Given) => Command | Command[] | Promise<Command>;
  status: number;
  /** What stands in the output, stderr included. */
  says: RegExp;
  /** Throws if something is on the disk that should not be, or the other way round. */
  check?: (given: Given) => void;
  /** Why it cannot be tried here, if it cannot. */
  skip?: string | undefined;
}

/** What attacks find: a folder of their own, good tiles, and a good model. */
export interface Given {
  folder: string;
  tiles: string;
  labels: string;
  model: string;
  backbone: string;
}

export interface Command {
  args: string[];
  /** Shell commands before it starts, in its process. */
  before?: string;
  /** What the shell does with it. @default exec "$@" */
  shell?: string;
  env?: Record<string, string>;
  /** It may mount file systems that nobody else sees. */
  unshared?: boolean;
  /** Is sent once `when` holds, which is asked again and again. */
  signal?: { name: NodeJS.Signals; when: (stderr: string) => boolean };
  /** After the command has ended. */
  end?: () => void | Promise<void>;
}

export interface Outcome {
  status: number | null;
  output: string;
  megabytes: number;
  seconds: number;
}

const MEASURE = new URL("./measure.js", import.meta.url).href;
/** Longer than any attack takes on a machine that does other things, too. */
const PATIENCE = 300_000;

export async function run(command: Command, folder: string): Promise<Outcome> {
  const { args, before = ":", shell = 'exec "$@"', env, unshared = false, signal } = command;
  const measures = join(folder, "measures");
  const words = [process.execPath, `--import=${MEASURE}`, join(ROOT, "dist/src/cli/main.js"), ...args];
  const start = [...(unshared ? ["unshare", "-m"] : []), "bash", "-c", `${before}; ${shell}`, "bash", ...words];
  const child = spawn(start[0], start.slice(1), {
    env: { ...process.env, NO_COLOR: "1", CANOPY_CACHE: join(folder, "cache"), ...env, CANOPY_MEASURES: measures },
    stdio: ["ignore", "pipe", "pipe", "pipe"],
    timeout: PATIENCE,
    killSignal: "SIGKILL",
  });
  let told = "";
  child.stderr?.on("data", (piece) => {
    told += piece;
  });
  const asking = setInterval(() => {
    if (signal === undefined || !signal.when(told)) return;
    clearInterval(asking);
    child.kill(signal.name);
  }, 20);
  const [[status], stdout, own] = await Promise.all([
    once(child, "close"),
    text(child.stdout as NodeJS.ReadableStream),
    text(child.stdio[3] as NodeJS.ReadableStream),
  ]);
  clearInterval(asking);
  await command.end?.();
  return { status, output: stdout + told, ...sum(own + readIfThere(measures)) };
}

/** Of the command and the processes it started, those that ended by themselves. */
function sum(lines: string): { megabytes: number; seconds: number } {
  const measured = lines
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as { megabytes: number; seconds: number });
  if (measured.length === 0) throw new Error("The process did not end by itself.");
  const add = (key: "megabytes" | "seconds") => measured.reduce((total, each) => total + each[key], 0);
  return { megabytes: add("megabytes"), seconds: add("seconds") };
}

function readIfThere(path: string): string {
  try {
    const lines = readFileSync(path, "utf8");
    rmSync(path);
    return lines;
  } catch {
    return "";
  }
}
