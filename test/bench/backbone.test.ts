import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { loadAddon } from "../../src/addon.js";
import { benchPredict } from "../../src/bench/predict.js";
import { measureStored } from "../../src/bench/stored.js";
import { benchTrain } from "../../src/bench/train.js";
import { InterruptedError } from "../../src/errors.js";
import { chooseKernels } from "../../src/features/kernels.js";
import { usableCores } from "../../src/machine.js";
import type { ProgressState } from "../../src/run-context.js";
import { mountDisk, temporaryFolder } from "../helpers.js";

const TINY = { limit: 8, repeats: 1, size: 64, seconds: 0, backbone: "untrained", device: "cpu" } as const;

test("bench predict reports each setting once, with rates and shares", async () => {
  const left: number[] = [];
  const onProgress = ({ stage, done, total }: ProgressState) => {
    if (stage === "measure") left.push((total ?? 0) - done);
  };
  const report = await benchPredict({ ...TINY, batchSizes: [2, 4, 2], workers: 1 }, { onProgress });
  assert.equal(left.at(-1), 0);
  assert.equal(report.tiles, 8);
  const settings = report.runs.map(({ batch_size, workers, sessions }) => `${batch_size}/${workers}/${sessions}`);
  assert.equal(new Set(settings).size, settings.length);
  const cores = usableCores();
  assert.ok(settings.includes(`2/${cores}/${cores}`) && settings.includes(`4/${cores}/${cores}`));
  const leavesCore = report.runs.filter(({ sessions }) => sessions < cores);
  assert.deepEqual(
    leavesCore.map(({ sessions }) => sessions),
    cores > 1 ? [cores - 1] : [],
  );
  for (const run of report.runs) {
    assert.ok(run.tiles_per_s > 0 && run.bare_tiles_per_s > 0 && run.share > 0, JSON.stringify(run));
  }
  assert.equal(report.predict.samples.length, 1);
  assert.ok(report.predict.tiles_per_s > 0);
});

test("bench train times every stepper, L-BFGS and the features", async () => {
  const report = await benchTrain({ ...TINY, rows: 60 });
  const steppers = [...report.steps.map(({ stepper }) => stepper), ...report.absent.map(({ name }) => name)];
  assert.deepEqual(steppers, loadAddon() === undefined ? ["onnx", "native"] : ["native", "onnx"]);
  for (const { ms_per_step } of report.steps) assert.ok(ms_per_step > 0);
  assert.ok(report.lbfgs.seconds > 0 && report.extraction.tiles_per_s > 0);
  assert.equal(report.num_tags, 17);
});

test("bench train --stored trains from disk in a process of its own, and leaves nothing behind", async (t) => {
  const cache = temporaryFolder(t);
  useCache(t, cache);
  const result = await measureStored({ rows: 3000, numFeatures: 160 }, {});
  assert.deepEqual([result.rows, result.epochs], [3000, 20]);
  assert.ok(result.bytes > 3000 * 160 * 4 && result.seconds > 0 && result.peak_rss_bytes > 2 ** 25);
  // Predicting every tag gives less: something was learnt from what was read.
  assert.ok(result.f2 > 0.75, String(result.f2));
  assert.deepEqual(readdirSync(cache), []);
  await assert.rejects(
    measureStored({ rows: 3000, numFeatures: 160 }, { signal: AbortSignal.abort() }),
    InterruptedError,
  );
  await assert.rejects(measureStored({ rows: 1, numFeatures: 160 }, {}), /streamed training failed: (?!Node\.js)/);
  assert.deepEqual(readdirSync(cache), []);
});

test("bench train --stored fails where the disk has no room for the features, and measures no zeros", async (t) => {
  const disk = mkdtempSync(join(tmpdir(), "canopy-disk-"));
  const mounted = mountDisk(disk, "1m");
  t.after(() => {
    if (mounted) execFileSync("umount", [disk]);
    rmdirSync(disk);
  });
  if (!mounted) return t.skip("a small tmpfs cannot be mounted here");
  useCache(t, disk);
  const message = /streamed training failed: the features could not all be kept in .*: is the disk full\?$/;
  await assert.rejects(measureStored({ rows: 3000, numFeatures: 160 }, {}), message);
  assert.deepEqual(readdirSync(disk), []);
});

function useCache(t: TestContext, folder: string): void {
  const before = process.env["CANOPY_CACHE"];
  process.env["CANOPY_CACHE"] = folder;
  t.after(() => {
    if (before === undefined) delete process.env["CANOPY_CACHE"];
    else process.env["CANOPY_CACHE"] = before;
  });
}

test("bench predict compares precisions in one run, with rates and processor time of each", async () => {
  const report = await benchPredict({ ...TINY, batchSizes: [4], workers: 1, precisions: ["fp32", "int8"] });
  assert.deepEqual(
    report.precisions?.map(({ precision }) => precision),
    ["fp32", "int8"],
  );
  const [floats, integers] = report.precisions ?? [];
  assert.deepEqual([floats.kernels, integers.kernels], [null, chooseKernels().kernels]);
  for (const { samples, ...each } of [floats, integers]) {
    for (const name of ["bare_tiles_per_s", "bare_cpu_ms", "predict_tiles_per_s", "predict_cpu_ms"] as const) {
      assert.ok(each[name] > 0 && samples[name].length === TINY.repeats, name);
    }
  }
  await assert.rejects(benchPredict({ ...TINY, precisions: ["int4" as "int8"] }), /precision/);
});
