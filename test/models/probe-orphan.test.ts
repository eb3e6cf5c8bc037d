/** The child process that tries networks out, when somebody else ends it or its parent. */
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { ROOT, temporaryFolder } from "../helpers.js";
import { REFUSED } from "../onnx/kinds-refused.js";

const ENDLESS = REFUSED.find(({ name }) => name === "a loop without end")!.model;
const noPgrep = spawnSync("pgrep", ["-V"]).status === 0 ? {} : { skip: "pgrep is not installed" };

function isAlive(pid: number): boolean {
  // A process that nobody has waited for is over, too.
  return /^[^Z\s]/.test(spawnSync("ps", ["-o", "stat=", "-p", String(pid)], { encoding: "utf8" }).stdout.trim());
}

/** canopy at a network that never returns, and the child that runs it. */
async function startEndless(folder: string) {
  writeFileSync(join(folder, "net.onnx"), ENDLESS);
  const args = ["dist/src/cli/main.js", "models", "import", join(folder, "net.onnx"), "--normalisation", "unit"];
  const env = { ...process.env, CANOPY_CACHE: join(folder, "cache") };
  const parent = spawn(process.execPath, args, { cwd: ROOT, env, stdio: ["ignore", "ignore", "pipe"] });
  const stderr = text(parent.stderr);
  for (;;) {
    const child = Number(spawnSync("pgrep", ["-P", String(parent.pid)], { encoding: "utf8" }).stdout.trim());
    // Until it runs the network, and its main thread hears nothing any more.
    if (child > 0 && cpuSeconds(child) >= 2) return { parent, child, stderr };
    assert.equal(parent.exitCode, null, "canopy ended by itself");
    await sleep(50);
  }
}

function cpuSeconds(pid: number): number {
  const time = spawnSync("ps", ["-o", "cputimes=", "-p", String(pid)], { encoding: "utf8" }).stdout;
  return Number(time.trim());
}

describe("the child that tries a network out", noPgrep, () => {
  it("does not outlive its parent, even in a network that never returns", async (t) => {
    const { parent, child } = await startEndless(temporaryFolder(t));
    parent.kill("SIGKILL");
    await once(parent, "exit");
    const end = Date.now() + 60_000;
    while (isAlive(child) && Date.now() < end) await sleep(100);
    const outlived = isAlive(child);
    if (outlived) process.kill(child, "SIGKILL");
    assert.ok(!outlived);
  });

  it("is said to have been killed where somebody kills it", async (t) => {
    const { parent, child, stderr } = await startEndless(temporaryFolder(t));
    process.kill(child, "SIGKILL");
    const [status] = await once(parent, "exit");
    assert.equal(status, 1);
    assert.match(await stderr, /^canopy: net cannot be used: ONNX Runtime ends with SIGKILL when it runs it\.\n$/);
  });
});
