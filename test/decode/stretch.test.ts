import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import sharp from "sharp";
import { describeDarkRasters } from "../../src/decode/dark-rasters.js";
import { resolveStretch } from "../../src/decode/stretch.js";
import { fileTile } from "../../src/tiles/names.js";
import { suiteFolder } from "../helpers.js";
import { writeTiff } from "../raster/write-tiff.js";
import { watchThreads } from "../threads.js";

const folder = suiteFolder();
const SIZE = 20;

/** A file whose band `b` has all values from `100 b` to `100 b + 399`. */
const sample = (band: number, x: number, y: number) => 100 * band + y * SIZE + x;

const png16 = () =>
  sharp(
    Uint16Array.from({ length: SIZE * SIZE * 3 }, (_, i) => sample(i % 3, 0, 0) + Math.floor(i / 3)),
    {
      raw: { width: SIZE, height: SIZE, channels: 3 },
    },
  )
    .toColourspace("rgb16")
    .png()
    .toBuffer();

function tileOf(name: string, bytes: Uint8Array) {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return fileTile(path);
}

const EXPECTED = [0, 1, 2].map((band) => [0, 25, 100].map((percent) => 100 * band + (399 * percent) / 100));

test("percentiles of a TIFF and of a PNG of 16 bits are measured by threads, which end", async (t) => {
  const tiff = writeTiff({ width: SIZE, height: SIZE, bands: 3, type: "uint16", at: sample });
  let started = 0;
  const alive = watchThreads(t, () => {
    started++;
    return false;
  });
  for (const tile of [tileOf("a.tif", tiff), tileOf("b.png", await png16())]) {
    started = 0;
    const stretch = await resolveStretch("p25,p100", [tile], null);
    assert.deepEqual(
      stretch,
      EXPECTED.map(([, low, high]) => [low, high]),
    );
    assert.ok(started > 0, "the main thread measured");
    assert.equal(alive.size, 0);
  }
});

test("PNGs of 16 bits that use little of their range are told as TIFFs are; those of 8 bits start no thread", async (t) => {
  const dark = await describeDarkRasters([tileOf("c.png", await png16())], { bands: null, stretch: null });
  assert.match(dark ?? "", /^TIFFs and PNGs of 16 bits whose greatest value is 599 /);
  const plain = await sharp(new Uint8Array(SIZE * SIZE * 3), { raw: { width: SIZE, height: SIZE, channels: 3 } })
    .png()
    .toBuffer();
  const alive = watchThreads(t, () => assert.fail("a thread was started"));
  assert.equal(
    await describeDarkRasters([tileOf("d.png", plain), tileOf("e.png", Buffer.from("no"))], {
      bands: null,
      stretch: null,
    }),
    undefined,
  );
  assert.equal(alive.size, 0);
});

test("measuring ends when it is told to", async () => {
  const tile = tileOf("f.tif", writeTiff({ width: 4, height: 4, bands: 1, type: "uint16", at: sample }));
  await assert.rejects(resolveStretch("p2,p98", [tile], null, AbortSignal.abort()), { name: "InterruptedError" });
});

test("percentiles of tiles without a valid sample are refused, not taken as no numbers", async () => {
  const empty = writeTiff({ width: SIZE, height: SIZE, bands: 1, type: "int16", nodata: "-1", at: () => -1 });
  const tile = tileOf("empty.tif", empty);
  await assert.rejects(resolveStretch("p2,p98", [tile], null), { name: "OptionError", message: /valid samples/ });
  const full = writeTiff({ width: SIZE, height: SIZE, bands: 1, type: "int16", nodata: "-1", at: () => 7 });
  assert.deepEqual(await resolveStretch("p2,p98", [tile, tileOf("full.tif", full)], null), [[7, 8]]);
});
