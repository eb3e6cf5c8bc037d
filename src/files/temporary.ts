/**
 * Names of temporary files. All end in `.canopy-tmp`. A draft belongs to one process and is removed once that process
 * is gone. A file that an interrupted run can go on with has a fixed name and stays.
 */
import { hash, randomBytes } from "node:crypto";
import { readlinkSync } from "node:fs";
import { readdir, rm, stat } from "node:fs/promises";
import { hostname } from "node:os";
import { basename, dirname, join, resolve } from "node:path";

export const TEMPORARY_SUFFIX = ".canopy-tmp";
/** `<name>.<machine>-<process>-<random>.canopy-tmp` */
const DRAFT = /\.([0-9a-f]{8})-(\d+)-[0-9a-f]{8}\.canopy-tmp$/;
/** A longer name would leave no room for the rest: file systems allow 255 bytes. */
const NAME_BYTES = 200;
/**
 * Whether a process of another machine lives cannot be checked: its drafts are removed after a day without a change.
 */
const FOREIGN_MS = 86_400_000;

const machine = hash("sha256", `${hostname()} ${processNamespace()}`).slice(0, 8);

/** A unique name beside `path`. */
export function draftPath(path: string): string {
  const name = basename(path);
  const readable = Buffer.byteLength(name) <= NAME_BYTES ? name : hash("sha256", name).slice(0, 16);
  const draft = `${readable}.${machine}-${process.pid}-${randomBytes(4).toString("hex")}${TEMPORARY_SUFFIX}`;
  return join(dirname(path), draft);
}

/** The name beside `path` of an unfinished file that can be resumed. */
export function resumablePath(path: string): string {
  return join(dirname(path), `${basename(path)}${TEMPORARY_SUFFIX}`);
}

const cleared = new Map<string, Promise<void>>();

/** Removes the drafts that killed processes left in `folder`; looks once for each folder. */
export function clearDrafts(folder: string): Promise<void> {
  const key = resolve(folder);
  let done = cleared.get(key);
  if (done === undefined) {
    done = removeLeftDrafts(key);
    cleared.set(key, done);
  }
  return done;
}

async function removeLeftDrafts(folder: string): Promise<void> {
  for (const name of await readdir(folder).catch(() => [])) {
    const match = DRAFT.exec(name);
    if (match === null) continue;
    const path = join(folder, name);
    if (await isLeft(path, match[1], Number(match[2])))
      await rm(path, { recursive: true, force: true }).catch(() => {});
  }
}

async function isLeft(path: string, host: string, pid: number): Promise<boolean> {
  const changed = (await stat(path).catch(() => undefined))?.mtimeMs ?? Date.now();
  if (host !== machine) return Date.now() - changed > FOREIGN_MS;
  // In containers, processes get the same numbers again and again.
  if (pid === process.pid) return changed < Date.now() - process.uptime() * 1000;
  return !processExists(pid);
}

function processExists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** Containers with the same host name number their processes independently. */
function processNamespace(): string {
  try {
    return readlinkSync("/proc/self/ns/pid");
  } catch {
    return "";
  }
}
