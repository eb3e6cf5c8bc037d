import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { temporaryFolder } from "../helpers.js";
import { HOSTILE } from "./hostile-cases.js";
import { addon, NEEDS_ADDON, OPTIONS, waves } from "./support.js";

const script = fileURLToPath(new URL("./hostile-run.js", import.meta.url));

test("each function of the addon has hostile cases", NEEDS_ADDON, () => {
  const functions = Object.entries(addon()).filter(([, value]) => typeof value === "function");
  assert.deepEqual(functions.map(([name]) => name).sort(), Object.keys(HOSTILE).sort());
});

for (const name of Object.keys(HOSTILE)) {
  test(`${name} refuses or survives whatever it is given`, NEEDS_ADDON, () => {
    const { status, signal, stdout, stderr } = spawnSync(process.execPath, ["--expose-gc", script, name], {
      encoding: "utf8",
    });
    assert.equal(status, 0, `${name} ended the process: ${signal ?? status}\n${stderr}`);
    if (HOSTILE[name].good().length > 0) assert.ok(Number(stdout) > 25, `${stdout} calls`);
  });
}

test("a call that fails in the middle closes the file it has read", {
  skip: process.platform !== "linux" ? "needs /proc" : (NEEDS_ADDON.skip ?? false),
}, (t) => {
  const path = join(temporaryFolder(t), "tile.jpg");
  writeFileSync(path, addon().encodePlanetJpeg(waves(16, 16, 4), 16, 16, 80));
  const open = () => readdirSync("/proc/self/fd").length;
  const tiles = [{ path }, { path: 5 as unknown as string }];
  const before = open();
  const target = new Uint8Array(2 * 8 * 8 * 3);
  assert.throws(() => addon().decodeFiles(tiles, target, { ...OPTIONS, size: 8 }), TypeError);
  assert.equal(open(), before);
  assert.throws(() => addon().benchStage("whole", [{ path }, { path: `${path}x` }], { ...OPTIONS, size: 8 }), /open/);
  assert.equal(open(), before);
});
