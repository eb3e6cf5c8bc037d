import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";

const posix = process.platform === "win32" ? { skip: "there is no ulimit here" } : {};

/** Runs `call` in a process that has no file handle left. */
function runWithoutHandles(module: string, call: string) {
  const program = `
    import { openSync } from "node:fs";
    const { findCrashers } = await import(${JSON.stringify(new URL(module, import.meta.url).href)});
    try { for (;;) openSync("/dev/null"); } catch {}
    await ${call}.then(() => process.exit(3), (error) => console.log(error.code + " " + error.message));`;
  const limited = 'ulimit -n 64; exec "$0" --input-type=module -e "$1"';
  const { status, stdout, stderr } = spawnSync("sh", ["-c", limited, process.execPath, program], { encoding: "utf8" });
  assert.equal(status, 0, stderr);
  return stdout;
}

test("without a file handle for the child process it says so, and the own process lives on", posix, () => {
  const crashers = 'findCrashers([{ name: "a", path: "a.png" }], new Uint8Array(1), {})';
  const said = runWithoutHandles("../../src/isolation/crashers.js", crashers);
  assert.match(said, /^PROBE The process that looks for the crashing tile cannot be started \(.*EMFILE\)\.$/m);
});
