/** Runs that come to the end of memory or disk. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { describe, it } from "node:test";
import sharp from "sharp";
import { loadAddon } from "../../src/addon.js";
import { TEMPORARY_SUFFIX } from "../../src/files/temporary.js";
import { predictWith } from "../../src/operations/predict.js";
import { runToy, toyModel, writeToyTiles } from "../engine/toy.js";
import { mountDisk, temporaryFolder } from "../helpers.js";

describe("a memory budget", () => {
  const memory = 500 << 20;
  const skip = process.platform === "linux" && loadAddon() !== undefined ? {} : { skip: "needs glibc and the addon" };

  it("holds with images of any size and kind; what would not fit is rejected", skip, async (t) => {
    const root = temporaryFolder(t);
    const noise = { type: "gaussian", mean: 128, sigma: 30 } as const;
    const image = sharp({ create: { width: 500, height: 500, channels: 3, background: "#000", noise } });
    const small = await image.png().toBuffer();
    const sides = [1500, 2400, 3600, 6000];
    for (const side of sides) {
      const large = sharp(await sharp(small).resize(side, side, { kernel: "nearest" }).raw().toBuffer(), {
        raw: { width: side, height: side, channels: 3 },
      });
      mkdirSync(join(root, "in"), { recursive: true });
      await large
        .clone()
        .png({ compressionLevel: 1 })
        .toFile(join(root, `in/${side}.png`));
      await large
        .clone()
        .webp({ quality: 50, effort: 0 })
        .toFile(join(root, `in/${side}.webp`));
      await large
        .clone()
        .jpeg({ progressive: true })
        .toFile(join(root, `in/${side}.jpg`));
    }
    const inputs = Array.from({ length: 6 }, () => join(root, "in"));
    const run = runToy({ inputs, out: join(root, "out.csv"), memory });
    assert.equal(run.status, 0, run.stderr);
    const { predicted, rejected, maxRssKib } = JSON.parse(run.stdout);
    t.diagnostic(`${predicted} predicted, ${rejected} rejected, ${Math.round(maxRssKib / 1024)} MiB at most`);
    assert.ok(predicted > 0 && rejected > 0);
    assert.ok(maxRssKib * 1024 <= memory, `${maxRssKib} KiB`);
  });
});

describe("a full disk", () => {
  it("gives a clear error and no half file, and the run can be resumed when there is space", async (t) => {
    const disk = mkdtempSync(join(tmpdir(), "canopy-disk-"));
    const mounted = mountDisk(disk, "160k");
    t.after(() => {
      if (mounted) execFileSync("umount", [disk]);
      rmdirSync(disk);
    });
    if (!mounted) return t.skip("a small tmpfs cannot be mounted here");
    const root = temporaryFolder(t);
    await writeToyTiles(join(root, "in"), 400);
    const out = join(disk, "out.jsonl");
    const small = { workers: 1, batchSize: 16, commit: { tiles: 32 } };
    const options = { inputs: [join(root, "in")], out, probabilities: true, ...small };
    await assert.rejects(predictWith(toyModel(), options), { name: "WriteError", code: "DISK_FULL" });
    assert.ok(!existsSync(out));
    assert.deepEqual(readdirSync(disk), ["out.jsonl.parts"]);
    assert.deepEqual(
      readdirSync(join(disk, "out.jsonl.parts")).filter((name) => name.endsWith(TEMPORARY_SUFFIX)),
      [],
    );
    execFileSync("mount", ["-o", "remount,size=2m", disk]);
    const summary = await predictWith(toyModel(), { ...options, resume: true });
    assert.ok(summary.resumed > 0 && summary.resumed < 400, String(summary.resumed));
    const whole = join(root, "whole.jsonl");
    await predictWith(toyModel(), { ...options, out: whole });
    assert.equal(readFileSync(out, "utf8"), readFileSync(whole, "utf8"));
  });

  it("under the copy of a piped archive says what the copy is for and what else to do, and leaves nothing", async (t) => {
    const root = temporaryFolder(t);
    const disk = mkdtempSync(join(tmpdir(), "canopy-disk-"));
    t.after(() => rmdirSync(disk));
    await writeToyTiles(join(root, "in"), 200);
    const tar = execFileSync("tar", ["-c", "-C", root, "in"], { maxBuffer: 1 << 30 });
    if (!mountDisk(disk, "100k")) return t.skip("a small tmpfs cannot be mounted here");
    try {
      const run = predictWith(toyModel(), { inputs: ["-"], stdin: Readable.from([tar]), out: join(disk, "out.csv") });
      await assert.rejects(run, {
        code: "DISK_FULL",
        message:
          /standard input is copied to .*out\.csv\.parts first.*put the output on a larger disk.*copies nothing\.$/,
      });
      assert.deepEqual(readdirSync(disk), []);
    } finally {
      execFileSync("umount", [disk]);
    }
  });

  it("leaves nothing but the run while the output is put together, wherever space ends", async (t) => {
    const disk = mkdtempSync(join(tmpdir(), "canopy-disk-"));
    t.after(() => rmdirSync(disk));
    const root = temporaryFolder(t);
    await writeToyTiles(join(root, "in"), 400);
    const options = { inputs: [join(root, "in")], workers: 1, probabilities: true, commit: { tiles: 100 } };
    let full = 0;
    for (const format of ["csv", "parquet"]) {
      for (let size = 68; size <= 140; size += 8) {
        if (!mountDisk(disk, `${size}k`)) return t.skip("a small tmpfs cannot be mounted here");
        const run = predictWith(toyModel(), { ...options, out: join(disk, `out.${format}`) });
        const error = await run.then(
          () => undefined,
          (reason) => reason,
        );
        const left = readdirSync(disk);
        execFileSync("umount", [disk]);
        if (error === undefined) break;
        full++;
        assert.equal(error.code, "DISK_FULL");
        assert.deepEqual(left, [`out.${format}.parts`], `${size}k`);
      }
    }
    assert.ok(full > 3, String(full));
  });
});
