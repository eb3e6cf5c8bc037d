/** What tests share: temporary folders, the path of the optional real data, and how to run the command line. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

/** The project's root folder. */
export const ROOT = resolve(fileURLToPath(new URL("../..", import.meta.url)));

/** Real tiles, weights and golden results beside the checkout; absent in a clone elsewhere, where tests that need it skip. */
export const SHARED = resolve(ROOT, "../shared");

/** `{ skip: reason }` for node:test where `name` is not in the shared folder, else `{}`. */
export function needsShared(name: string): { skip?: string } {
  return existsSync(join(SHARED, name)) ? {} : { skip: `../shared/${name} is not here` };
}

/** A fresh temporary folder, removed when the test ends. */
export function temporaryFolder(t: { after(fn: () => void): void }): string {
  const folder = mkdtempSync(join(tmpdir(), "canopy-test-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Makes `folder` a disk of `size` ("100k"), to be unmounted; false where that is not allowed. */
export function mountDisk(folder: string, size: string): boolean {
  return spawnSync("mount", ["-t", "tmpfs", "-o", `size=${size}`, "tmpfs", folder]).status === 0;
}

export interface CliResult {
  status: number | null;
  stdout: string;
  stderr: string;
}

export interface CliOptions {
  cwd?: string;
  env?: Record<string, string>;
  /** No file may grow larger than this. */
  fileKilobytes?: number;
}

/** Runs `canopy ...args` in a child process with a cache folder of its own. */
export function runCli(args: string[], { cwd, env, fileKilobytes }: CliOptions = {}): CliResult {
  const command = [process.execPath, join(ROOT, "dist/src/cli/main.js"), ...args];
  const limited = ["bash", "-c", `ulimit -f ${fileKilobytes}; exec "$@"`, "bash", ...command];
  const [program, ...rest] = fileKilobytes === undefined ? command : limited;
  const result = spawnSync(program, rest, {
    cwd,
    env: { ...process.env, NO_COLOR: "1", ...env },
    encoding: "utf8",
    maxBuffer: 64 << 20,
  });
  return { status: result.status, stdout: result.stdout, stderr: result.stderr };
}

/** A temporary folder for a whole test file, removed when its process ends. */
export function suiteFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "canopy-test-"));
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
