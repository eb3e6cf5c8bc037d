import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { GOLDENS, pictureNames, readFloats, readPng } from "../goldens.js";
import { needsShared, SHARED } from "../helpers.js";
import { addon, decodeRgb, difference, NEEDS_ADDON, OPTIONS } from "./support.js";

for (const name of pictureNames()) {
  test(`${name}.jpg decodes to exactly Pillow's RGB`, NEEDS_ADDON, async () => {
    const pixels = decodeRgb(readFileSync(join(GOLDENS, "pictures", `${name}.jpg`)));
    assert.deepEqual(Buffer.from(pixels), (await readPng(`pictures/${name}`)).pixels);
  });
}

for (const size of [24, 75]) {
  test(`resizing to ${size} equals Pillow and TensorFlow within rounding`, NEEDS_ADDON, async () => {
    const { pixels, width, height } = await readPng("resizing/source");
    const resize = (antialias: boolean) => {
      const target = new Uint8Array(size * size * 3);
      addon().resizeRgb(pixels, width, height, target, size, antialias);
      return target;
    };
    assert.ok(difference(resize(true), (await readPng(`resizing/pillow-${size}`)).pixels).max <= 1);
    assert.ok(difference(resize(false), readFloats(join(GOLDENS, `resizing/tensorflow-${size}.f32`))).max <= 0.51);
  });
}

const NEEDS = { ...needsShared("golden"), ...needsShared("planet-sample"), ...NEEDS_ADDON };

const tilePath = (name: string) => join(SHARED, "planet-sample/tiles", `${name}.jpg`);
const rows = (file: string) =>
  readFileSync(join(SHARED, file), "utf8")
    .trim()
    .split(/\r?\n/)
    .slice(1)
    .map((line) => line.split(","));

test("all real tiles decode to exactly Pillow's RGB", NEEDS, () => {
  const golden = rows("golden/pil_rgb_sha256.csv");
  assert.equal(golden.length, 600);
  for (const [name, sha256] of golden) {
    const pixels = decodeRgb(readFileSync(tilePath(name)));
    assert.equal(createHash("sha256").update(pixels).digest("hex"), sha256, name);
  }
});

for (const [file, size, antialias] of [
  ["pil_resize_bilinear_224.u8", 224, true],
  ["pil_resize_bilinear_128.u8", 128, true],
  ["tf_resize_bilinear_224.f32", 224, false],
  ["tf_resize_bilinear_255.f32", 255, false],
] as const) {
  test(`decoding and resizing real tiles equals ${file} within one level`, NEEDS, () => {
    const path = join(SHARED, "golden", file);
    const golden = file.endsWith("f32") ? readFloats(path) : readFileSync(path);
    const tiles = rows("planet-sample/labels.csv")
      .slice(0, 6)
      .map(([name]) => ({ path: tilePath(name) }));
    const target = new Uint8Array(6 * size * size * 3);
    assert.equal(addon().decodeFiles(tiles, target, { ...OPTIONS, size, antialias }), undefined);
    assert.ok(difference(target, golden).max <= 1);
  });
}
