/**
 * One process per output: a file that the operating system locks for its holder. The lock ends with its holder, however
 * that ends, also on a network file system whose server has locks. So no process has to guess whether a holder is still
 * alive.
 */
import { closeSync, fstatSync, ftruncateSync, openSync, readFileSync, rmSync, statSync, writeSync } from "node:fs";
import { createRequire } from "node:module";
import { hostname } from "node:os";
import { dirname, resolve } from "node:path";
import * as v from "valibot";
import { InputError } from "../errors.js";
import type { RunContext } from "../run-context.js";
import { ensureFolder } from "./output.js";
import { resumablePath } from "./temporary.js";
import { explainWriteError } from "./write-error.js";

/** Far beyond the holder's name: some systems do not let others read the bytes that a lock covers. */
const LOCKED_BYTE = 2 ** 30;
/** Error codes of a file system without locks. */
const NO_LOCKS = ["ENOLCK", "ENOSYS", "ENOTSUP", "EOPNOTSUPP", "EINVAL"];

const require = createRequire(import.meta.url);

const HOLDER = v.object({ host: v.string(), pid: v.number() });

/** Runs `work`, which makes the folder `out`, under a lock. @throws InputError if another process holds it */
export async function whileLocked<T>(out: string, context: RunContext, work: () => Promise<T>): Promise<T> {
  const target = resolve(out);
  await ensureFolder(dirname(target));
  const release = takeLock(resumablePath(`${target}.lock`), context);
  try {
    return await work();
  } finally {
    release();
  }
}

/**
 * Takes the lock `path`, or throws an InputError that names its holder. Returns a function that releases it. Warns if
 * the system or the file system has no locks: then others are not kept out.
 */
export function takeLock(path: string, context: RunContext): () => void {
  for (;;) {
    const file = openLock(path);
    if (!isFree(file, path, context)) {
      closeSync(file);
      throw new InputError(
        `${path} says that ${describeHolder(path)} is working on this output; wait for it, or stop it first.`,
      );
    }
    if (isStillAt(path, file)) {
      writeHolder(file, path);
      return () => {
        // While it is still locked: a process that opened it before notices that it is gone, and takes a new one.
        rmSync(path, { force: true });
        closeSync(file);
      };
    }
    closeSync(file);
  }
}

function openLock(path: string): number {
  try {
    return openSync(path, "a+");
  } catch (error) {
    throw explainWriteError(error, path);
  }
}

function isFree(file: number, path: string, { onWarning }: RunContext): boolean {
  const warn = (where: string) =>
    onWarning?.(`${path} cannot be locked on this ${where}: make sure that no two processes work on one output.`);
  const locks = loadLocks();
  if (locks === undefined) {
    warn("system");
    return true;
  }
  try {
    return locks.tryLock(file, LOCKED_BYTE, 1);
  } catch (error) {
    if (!NO_LOCKS.includes((error as NodeJS.ErrnoException).code ?? "")) {
      closeSync(file);
      throw explainWriteError(error, path);
    }
    warn("file system");
    return true;
  }
}

/** Undefined if its binary cannot be loaded: there is none for some systems, such as Linux with musl. */
function loadLocks(): typeof import("fs-native-extensions") | undefined {
  try {
    return require("fs-native-extensions");
  } catch {
    return undefined;
  }
}

/** An earlier holder may have removed the file after it was opened here. */
function isStillAt(path: string, file: number): boolean {
  const now = statSync(path, { throwIfNoEntry: false });
  const opened = fstatSync(file);
  return now?.ino === opened.ino && now.dev === opened.dev;
}

function writeHolder(file: number, path: string): void {
  try {
    ftruncateSync(file);
    writeSync(file, JSON.stringify({ host: hostname(), pid: process.pid }));
  } catch (error) {
    closeSync(file);
    throw explainWriteError(error, path);
  }
}

/** The name is missing if the holder has not written it yet. */
function describeHolder(path: string): string {
  try {
    const { host, pid } = v.parse(HOLDER, JSON.parse(readFileSync(path, "utf8")));
    return `process ${pid} on ${host}`;
  } catch {
    return "another process";
  }
}
