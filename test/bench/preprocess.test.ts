import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, describe, test } from "node:test";
import { loadAddon } from "../../src/addon.js";
import { benchPreprocess } from "../../src/bench/preprocess.js";
import type { PreprocessReport } from "../../src/bench/preprocess-report.js";
import { InputError } from "../../src/errors.js";
import { temporaryFolder } from "../helpers.js";

const TINY = { limit: 4, repeats: 1, seconds: 0.05, size: 224 };
const NEEDS_ADDON = loadAddon() === undefined ? { skip: "the addon is not built" } : {};

describe("bench preprocess", NEEDS_ADDON, () => {
  let report: PreprocessReport;
  before(async () => {
    report = await benchPreprocess({ ...TINY, workers: 2 });
  });

  test("reports rates of the ceiling and of every number of workers", () => {
    assert.equal(report.tiles, 4);
    assert.equal(report.size, 224);
    assert.ok(report.ceiling_tiles_per_s > 0);
    assert.deepEqual(
      report.workers.map(({ workers }) => workers),
      [1, 2],
    );
    for (const { tiles_per_s } of report.workers) assert.ok(tiles_per_s > 0);
    assert.ok(report.share_of_ceiling > 0);
    assert.ok(report.scaling >= 1);
  });

  test("lists every contender, as measured or with the reason why not", () => {
    const names = new Set([...report.contenders, ...report.absent].map(({ name }) => name));
    for (const name of ["libjpeg-turbo alone", "canopy", "sharp", "sharp, colours worked around", "Pillow", "OpenCV"]) {
      assert.ok(names.has(name), name);
    }
    for (const { tiles_per_s, threads, name } of report.contenders) assert.ok(tiles_per_s > 0 && threads > 0, name);
    for (const { reason } of report.absent) assert.notEqual(reason, "");
  });

  test("sees that plain sharp has Planet's colours wrong, and that canopy and the workaround have them right", () => {
    const errorOf = (wanted: string) => report.contenders.find(({ name }) => name === wanted)!.mean_abs_error!;
    assert.ok(errorOf("sharp") > 3);
    assert.equal(errorOf("canopy"), 0);
    assert.ok(errorOf("sharp, colours worked around") < 0.5);
  });

  test("times every stage and keeps every sample", () => {
    assert.deepEqual(
      report.stages.map(({ stage }) => stage),
      ["read", "decode", "colour", "resize", "addon", "pipeline"],
    );
    for (const { us_per_tile, stage } of report.stages) assert.ok(us_per_tile > 0, stage);
    const keys = new Set(report.samples.map(({ name, threads }) => `${name} ${threads}`));
    assert.equal(report.samples.length, keys.size);
    assert.ok(report.machine.cores > 0 && report.versions["libjpeg-turbo"] !== undefined);
  });
});

test("an input without JPEGs is an InputError", NEEDS_ADDON, async (t) => {
  const folder = temporaryFolder(t);
  mkdirSync(join(folder, "tiles"));
  writeFileSync(join(folder, "tiles", "a.jpg"), "no picture");
  await assert.rejects(benchPreprocess({ ...TINY, inputs: [join(folder, "tiles")] }), InputError);
});
