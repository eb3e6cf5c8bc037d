/** What signals do to a run. */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { saveToyModel, writeToyTiles } from "../engine/toy.js";
import { ROOT, runCli, suiteFolder } from "../helpers.js";

const TILES = 30_000;
const folder = suiteFolder();
const env = { CANOPY_CACHE: join(folder, "cache") };
const at = (name: string) => join(folder, name);
let words: string[];
let whole: string;

function predict(out: string, ...more: string[]): ChildProcess {
  const args = [join(ROOT, "dist/src/cli/main.js"), ...words, "--out", at(out), ...more];
  return spawn(process.execPath, args, { env: { ...process.env, ...env }, stdio: ["ignore", "ignore", "pipe"] });
}

async function untilItRuns(out: string): Promise<void> {
  while (!existsSync(at(`${out}.parts/run.json`))) await sleep(5);
}

describe("a run", () => {
  before(async () => {
    await writeToyTiles(at("in"), 1);
    const { model, backbone } = await saveToyModel(folder);
    const tile = `${at("in/tile_000000.jpg")}\n`;
    writeFileSync(at("list.txt"), tile.repeat(TILES));
    words = ["predict", `@${at("list.txt")}`, "--model", model, "--backbone", backbone, "--workers", "1"];
    const { status, stderr } = runCli([...words, "--out", at("whole.csv")], { env });
    assert.equal(status, 0, stderr);
    whole = readFileSync(at("whole.csv"), "utf8");
  });

  for (const [signal, code] of [
    ["SIGHUP", 129],
    ["SIGTERM", 130],
  ] as const) {
    it(`ends with ${code} on ${signal}, and goes on to the same bytes`, async () => {
      const child = predict("out.csv");
      await untilItRuns("out.csv");
      child.kill(signal);
      assert.deepEqual(await once(child, "close"), [code, null]);
      assert.ok(!existsSync(at("out.csv")));
      assert.equal(runCli([...words, "--out", at("out.csv"), "--resume"], { env }).status, 0);
      assert.equal(readFileSync(at("out.csv"), "utf8"), whole);
      for (const name of readdirSync(folder).filter((name) => name.startsWith("out.csv"))) rmSync(at(name));
    });
  }

  it("that is stopped and continued is the same", async () => {
    const child = predict("stopped.csv");
    const closed = once(child, "close");
    await untilItRuns("stopped.csv");
    for (let i = 0; i < 3; i++) {
      child.kill("SIGSTOP");
      await sleep(700);
      child.kill("SIGCONT");
      await sleep(100);
    }
    assert.deepEqual(await closed, [0, null]);
    assert.equal(readFileSync(at("stopped.csv"), "utf8"), whole);
  });
});
