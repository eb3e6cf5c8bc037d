/** One run, one process: a lock file that names its holder, and goes stale with it. */
import { readFile, rm, stat, utimes, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { InputError } from "../errors.js";
import { explainWriteError } from "../files/write-error.js";

/** A holder is taken for dead after this long without a sign of life. */
const STALE_MS = 120_000;
const SIGN_OF_LIFE_MS = 20_000;

interface Holder {
  host: string;
  pid: number;
}

/** Locks this very process holds: a lock with its number that is not among them was left by an earlier process of that number. */
const held = new Set<string>();

/** Takes the lock `path` or throws an InputError that names who holds it. Returns what gives it back. */
export async function takeLock(path: string): Promise<() => Promise<void>> {
  await createLock(path);
  held.add(path);
  const timer = setInterval(() => void utimes(path, new Date(), new Date()).catch(() => {}), SIGN_OF_LIFE_MS).unref();
  return async () => {
    clearInterval(timer);
    held.delete(path);
    await rm(path, { force: true });
  };
}

async function createLock(path: string): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    try {
      await writeFile(path, JSON.stringify({ host: hostname(), pid: process.pid } satisfies Holder), { flag: "wx" });
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST" || attempt === 3) throw explainWriteError(error, path);
      await removeIfStale(path);
    }
  }
}

async function removeIfStale(path: string): Promise<void> {
  const holder = await readHolder(path);
  const touched = (await stat(path).catch(() => undefined))?.mtimeMs ?? 0;
  if (isLive(path, holder, Date.now() - touched)) {
    const who = holder === undefined ? "another process" : `process ${holder.pid} on ${holder.host}`;
    throw new InputError(`${path} says that ${who} is working on this output; wait for it, or stop it first.`);
  }
  await rm(path, { force: true });
}

function isLive(path: string, holder: Holder | undefined, age: number): boolean {
  if (age > STALE_MS) return false;
  if (holder === undefined) return age < 2000;
  if (holder.host !== hostname()) return true;
  return holder.pid === process.pid ? held.has(path) : processExists(holder.pid);
}

/** Undefined while the holder is about to write its name, or where a power cut came in between. */
async function readHolder(path: string): Promise<Holder | undefined> {
  try {
    return JSON.parse(await readFile(path, "utf8")) as Holder;
  } catch {
    return undefined;
  }
}

function processExists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
