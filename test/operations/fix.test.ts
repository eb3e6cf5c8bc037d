import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import sharp from "sharp";
import { InputError, InterruptedError, OptionError } from "../../src/errors.js";
import { fix } from "../../src/operations/fix.js";
import { synthesize } from "../../src/operations/synth.js";
import { GOLDENS, pictureNames, readPng } from "../goldens.js";
import { needsShared, SHARED, temporaryFolder } from "../helpers.js";

test("PNGs hold exactly Pillow's pixels, whatever kind of JPEG they come from", async (t) => {
  const out = join(temporaryFolder(t), "png");
  const { written, rejected } = await fix({
    inputs: pictureNames().map((name) => join(GOLDENS, `pictures/${name}.jpg`)),
    out,
    workers: 2,
  });
  assert.deepEqual([written, rejected], [pictureNames().length, 0]);
  for (const name of pictureNames()) {
    const pixels = await sharp(join(out, `${name}.png`))
      .raw()
      .toBuffer();
    assert.deepEqual(pixels, (await readPng(`pictures/${name}`)).pixels, name);
  }
});

test("PNGs of real tiles hold exactly Pillow's pixels", needsShared("golden"), async (t) => {
  const out = join(temporaryFolder(t), "png");
  const lines = readFileSync(join(SHARED, "golden/pil_rgb_sha256.csv"), "utf8").trim().split(/\r?\n/).slice(1, 9);
  const expected = new Map(lines.map((line) => line.split(",") as [string, string]));
  const inputs = [...expected.keys()].map((name) => join(SHARED, `planet-sample/tiles/${name}.jpg`));
  const summary = await fix({ inputs, out, workers: 2 });
  assert.deepEqual([summary.written, summary.rejected, summary.rejects], [8, 0, null]);
  assert.deepEqual(summary.readings, { "rgb+constant-alpha": 8 });
  for (const [name, sha256] of expected) {
    const pixels = await sharp(join(out, `${name}.png`))
      .raw()
      .toBuffer();
    assert.equal(createHash("sha256").update(pixels).digest("hex"), sha256, name);
  }
});

test("sub-folders and archive members keep their places, JPEG copies are ordinary ones", async (t) => {
  const folder = temporaryFolder(t);
  await synthesize({ count: 3, out: join(folder, "tars"), seed: 3, size: 32, workers: 1, tilesPerTar: 3 });
  await synthesize({ count: 2, out: join(folder, "plain"), seed: 4, size: 32, workers: 1 });
  mkdirSync(join(folder, "plain/deep/er"), { recursive: true });
  copyFileSync(join(folder, "plain/synth_0.jpg"), join(folder, "plain/deep/er/x.JPG"));
  const out = join(folder, "out");
  const summary = await fix({
    inputs: [join(folder, "tars/tiles-00000.tar"), join(folder, "plain/deep")],
    out,
    format: "jpg",
  });
  assert.equal(summary.written, 4);
  assert.deepEqual(readdirSync(out).sort(), ["er", "synth_0.jpg", "synth_1.jpg", "synth_2.jpg"]);
  const { channels, chromaSubsampling, space } = await sharp(join(out, "er/x.jpg")).metadata();
  assert.deepEqual([channels, chromaSubsampling, space], [3, "4:4:4", "srgb"]);
});

test("bad tiles and second tiles of one name are rejected with their reason, the others are written", async (t) => {
  const folder = temporaryFolder(t);
  await synthesize({ count: 2, out: join(folder, "set"), seed: 5, size: 32, workers: 1 });
  const at = (name: string) => join(folder, "set", name);
  writeFileSync(at("bad.jpg"), "no image");
  await sharp({ create: { width: 8, height: 8, channels: 3, background: "green" } }).toFile(at("synth_1.png"));
  const out = join(folder, "out");
  const summary = await fix({ inputs: [join(folder, "set")], out });
  assert.deepEqual([summary.tiles, summary.written, summary.rejected], [4, 2, 2]);
  assert.deepEqual(readdirSync(out).sort(), ["synth_0.png", "synth_1.png"]);
  const lines = readFileSync(summary.rejects!, "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  assert.deepEqual(
    lines.map(({ path, name }) => [path, name]),
    [
      [at("bad.jpg"), "bad"],
      [at("synth_1.png"), "synth_1"],
    ],
  );
  assert.match(lines[1].message, /synth_1\.jpg is written to the same file/);
});

test("a folder that is not empty needs --resume, which leaves what is there, or --overwrite", async (t) => {
  const folder = temporaryFolder(t);
  await synthesize({ count: 3, out: join(folder, "set"), seed: 6, size: 32, workers: 1 });
  const [inputs, out] = [[join(folder, "set")], join(folder, "out")];
  await fix({ inputs, out });
  await assert.rejects(fix({ inputs, out }), InputError);
  writeFileSync(join(out, "synth_1.png"), "kept");
  const resumed = await fix({ inputs, out, resume: true });
  assert.deepEqual([resumed.written, resumed.skipped], [0, 3]);
  assert.equal(readFileSync(join(out, "synth_1.png"), "utf8"), "kept");
  const replaced = await fix({ inputs, out, overwrite: true });
  assert.deepEqual([replaced.written, replaced.skipped], [3, 0]);
  assert.ok(statSync(join(out, "synth_1.png")).size > 4);
});

test("originals are safe: the input folder is no output", async (t) => {
  const folder = temporaryFolder(t);
  await synthesize({ count: 1, out: join(folder, "set"), seed: 7, size: 32, workers: 1 });
  const set = join(folder, "set");
  await assert.rejects(fix({ inputs: [set], out: `${set}/`, format: "jpg", overwrite: true }), /both input and output/);
  const before = readFileSync(join(set, "synth_0.jpg"));
  const summary = await fix({ inputs: [join(set, "synth_0.jpg")], out: set, format: "jpg", overwrite: true });
  assert.equal(summary.rejected, 1);
  assert.deepEqual(readFileSync(join(set, "synth_0.jpg")), before);
});

test("an interrupted run keeps whole files only, and --resume writes the rest", async (t) => {
  const folder = temporaryFolder(t);
  await synthesize({ count: 60, out: join(folder, "set"), seed: 9, size: 32, workers: 1 });
  const [inputs, out] = [[join(folder, "set")], join(folder, "out")];
  const controller = new AbortController();
  const stop = { signal: controller.signal, onProgress: () => controller.abort() };
  await assert.rejects(fix({ inputs, out, workers: 1 }, stop), InterruptedError);
  const written = readdirSync(out);
  assert.ok(written.length >= 16 && written.length < 60 && written.every((name) => name.endsWith(".png")));
  const { skipped, written: rest } = await fix({ inputs, out, workers: 1, resume: true });
  assert.deepEqual([skipped, rest], [written.length, 60 - written.length]);
  assert.ok(!existsSync(`${out}.rejects.jsonl`));
  // Copies that were to be replaced would be left.
  const aborted = { signal: AbortSignal.abort() };
  await assert.rejects(fix({ inputs, out, workers: 1, overwrite: true }, aborted), /overwrite them again\.$/);
});

test("the file of rejects lies beside a folder that is named with a slash, and goes when nothing is rejected", async (t) => {
  const folder = temporaryFolder(t);
  const set = join(folder, "set");
  await synthesize({ count: 1, out: set, seed: 3, size: 32, workers: 1 });
  writeFileSync(join(set, "bad.jpg"), "no picture");
  const out = join(folder, "out");
  const { rejects } = await fix({ inputs: [set], out: `${out}/`, workers: 1 });
  assert.equal(rejects, `${out}.rejects.jsonl`);
  assert.ok(existsSync(rejects));
  rmSync(join(set, "bad.jpg"));
  const again = await fix({ inputs: [set], out, workers: 1, overwrite: true });
  assert.deepEqual([again.rejects, existsSync(rejects)], [null, false]);
  await assert.rejects(fix({ inputs: [set], out, resume: true, overwrite: true }), OptionError);
});

test("a copy that cannot have its name is that tile's reject: the others are written, and counted once", async (t) => {
  const folder = temporaryFolder(t);
  await synthesize({ count: 3, out: join(folder, "set"), seed: 3, size: 32, workers: 1 });
  const set = join(folder, "set");
  // "d.png" is to be a folder and the copy of "d.jpg".
  mkdirSync(join(set, "d.png"));
  copyFileSync(join(set, "synth_0.jpg"), join(set, "d.png/x.jpg"));
  copyFileSync(join(set, "synth_1.jpg"), join(set, "d.jpg"));
  const out = join(folder, "out");
  const { tiles, written, rejected } = await fix({ inputs: [set], out, workers: 1 });
  assert.deepEqual([tiles, written, rejected], [5, 4, 1]);
  const { path, code } = JSON.parse(readFileSync(`${out}.rejects.jsonl`, "utf8"));
  assert.deepEqual([path, code], [join(set, "d.jpg"), "NAME"]);
  assert.deepEqual(readdirSync(out, { recursive: true }).sort(), [
    "d.png",
    "d.png/x.png",
    "synth_0.png",
    "synth_1.png",
    "synth_2.png",
  ]);
});
