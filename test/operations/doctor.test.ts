import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { cpuQuota, memoryLimit, usableCores } from "../../src/machine.js";
import type { DoctorReport } from "../../src/operations/doctor.js";
import { mountDisk, temporaryFolder } from "../helpers.js";

/** The report of a child process with its own environment. */
function examineIn(env: Record<string, string>): DoctorReport {
  const module = JSON.stringify(new URL("../../src/operations/doctor.js", import.meta.url).href);
  const script = `const { examine } = await import(${module}); console.log(JSON.stringify(await examine()));`;
  const child = spawnSync(process.execPath, ["--input-type=module", "-e", script], {
    env: { ...process.env, ...env },
    encoding: "utf8",
  });
  return JSON.parse(child.stdout);
}

test("the report names versions, a device that runs, memory and the cache with its size", async (t) => {
  const cache = temporaryFolder(t);
  writeFileSync(join(cache, "something"), Buffer.alloc(1000));
  const report = examineIn({ CANOPY_CACHE: cache });
  assert.match(report.canopy, /^\d+\.\d+/);
  assert.equal(report.node.version, process.version);
  assert.deepEqual(report.cache, { folder: cache, bytes: 1000, files: 1 });
  const device = report.onnxruntime.devices.find((each) => each.device === report.onnxruntime.device);
  assert.equal(device?.runs, true);
  assert.ok(report.onnxruntime.devices.every((each) => each.runs || each.reason));
  assert.ok(report.memory.free > 0 && report.memory.free <= report.memory.total);
});

test("without the addon the report says why and how to mend it", () => {
  const report = examineIn({ CANOPY_NO_ADDON: "1" });
  assert.equal(report.addon.built, false);
  assert.ok(report.suggestions.some((each) => each.includes("CANOPY_NO_ADDON")));
});

test("a cache folder that cannot be written into is told, one that can be made is not", (t) => {
  const folder = temporaryFolder(t);
  writeFileSync(join(folder, "file"), "");
  const isTold = (cache: string) =>
    examineIn({ CANOPY_CACHE: cache }).suggestions.some((each) => each.includes(`in the cache folder ${cache}`));
  assert.ok(isTold(join(folder, "file/cache")));
  mkdirSync(join(folder, "disk"));
  if (mountDisk(join(folder, "disk"), "16k")) {
    execFileSync("mount", ["-o", "remount,ro", join(folder, "disk")]);
    const isReadOnlyTold = isTold(join(folder, "disk/cache"));
    execFileSync("umount", [join(folder, "disk")]);
    assert.ok(isReadOnlyTold);
  }
  assert.ok(!isTold(join(folder, "to/be/made")));
});

test("limits are positive where there are any", () => {
  assert.ok(usableCores() >= 1);
  assert.ok((cpuQuota() ?? 1) > 0);
  assert.ok((memoryLimit() ?? 1) > 0);
});
