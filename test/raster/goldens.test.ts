/** TIFFs that another program wrote: each of their samples is known. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { bytesSource, openRaster } from "../../src/raster/open.js";
import { GOLDENS } from "../goldens.js";

const FOLDER = join(GOLDENS, "tiffs");
const [WIDTH, HEIGHT] = [19, 11];

/** As test/goldens/tiffs.py draws it. */
const sample = (band: number, x: number, y: number): number => (x * 7 + y * 13 + band * 29 + x * y) % 101;

const names = readdirSync(FOLDER).map((name) => name.replace(".tif", ""));

test("there are TIFFs of every compression and sample type that tifffile writes", () => {
  const of = (part: number) => new Set(names.map((name) => name.split("-")[part]));
  assert.deepEqual([of(0).size, of(1).size], [9, 5]);
});

for (const name of names) {
  const [type, , bands, ...layout] = name.split("-");
  test(`${name}: whole, and by windows`, async () => {
    const raster = await openRaster(bytesSource(readFileSync(join(FOLDER, `${name}.tif`))));
    const { info } = raster;
    assert.deepEqual(
      [info.width, info.height, info.bands, `${info.kind}${info.bits}`],
      [WIDTH, HEIGHT, Number(bands), type],
    );
    assert.deepEqual([info.planar, info.tiled], [layout.includes("apart") && info.bands > 1, layout.includes("tiled")]);
    const all = Array.from({ length: info.bands }, (_, band) => band);
    for (const window of [
      { x: 0, y: 0, width: WIDTH, height: HEIGHT },
      { x: 3, y: 4, width: 14, height: 5 },
      { x: WIDTH - 1, y: HEIGHT - 1, width: 1, height: 1 },
    ]) {
      const read = await raster.read(all, window);
      const expected = all.map((band) =>
        Array.from({ length: window.width * window.height }, (_, i) =>
          sample(band, window.x + (i % window.width), window.y + Math.floor(i / window.width)),
        ),
      );
      assert.deepEqual(
        read.map((band) => Array.from(band)),
        expected,
      );
    }
  });
}
