import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { openBenchTiles } from "../../src/bench/tiles.js";
import type { ProgressState } from "../../src/run-context.js";
import { temporaryFolder } from "../helpers.js";
import { encode, gradient } from "../images.js";
import { writeTiff } from "../raster/write-tiff.js";
import { serve } from "../remote/server.js";
import { END, member } from "../tar.js";
import { zip } from "../zip.js";

const picture = (shift: number) => encode(gradient(32, 3, shift), 32, 3, "jpeg");

test("a benchmark runs on the good JPEGs among bad tiles, and counts the others", async (t) => {
  const folder = join(temporaryFolder(t), "tiles");
  mkdirSync(folder);
  const good = [await picture(0), await picture(5)];
  for (const [name, bytes] of Object.entries({
    ...{ "a.jpg": good[0], "z.jpg": good[1] },
    ...{ "b.jpg": "", "c.jpg": "text", "d.jpg": good[0].subarray(0, good[0].length >> 1) },
    "e.tif": writeTiff({ width: 8, height: 8, bands: 13, type: "uint16", at: () => 1 }),
    "f.png": await encode(gradient(32, 3), 32, 3, "png"),
  })) {
    writeFileSync(join(folder, name), bytes);
  }
  const looks: (number | undefined)[][] = [];
  const onProgress = ({ done, total, rejected }: ProgressState) => looks.push([done, total, rejected]);
  const tiles = await openBenchTiles({ inputs: [folder], limit: 100 }, { onProgress });
  t.after(() => tiles.close());
  assert.deepEqual([tiles.found, tiles.unfit], [7, 5]);
  assert.deepEqual(looks.at(-1), [3, 3, 1]);
  assert.deepEqual(
    tiles.paths.map((path) => readFileSync(path)),
    good,
  );
});

test("members of archives are measured as plain files, deflated ones too", async (t) => {
  const folder = temporaryFolder(t);
  const good = await picture(0);
  const [tar, archive] = [join(folder, "a.tar"), join(folder, "a.zip")];
  const bad = { name: "bad.jpg", data: "no picture" };
  writeFileSync(tar, Buffer.concat([member({ name: "a.jpg", data: good }), member(bad), END]));
  writeFileSync(archive, zip([{ name: "b.jpg", data: good }, { name: "c.jpg", data: good, method: 0 }, bad]));
  const tiles = await openBenchTiles({ inputs: [tar, archive], limit: 100 }, {});
  t.after(() => tiles.close());
  assert.deepEqual([tiles.found, tiles.unfit, tiles.paths.length], [5, 2, 3]);
  for (const path of tiles.paths) assert.deepEqual(readFileSync(path), good);
});

test("a tile on a server is measured as a plain file", async (t) => {
  const good = await picture(0);
  const { url } = await serve(t, { "/a.jpg": good });
  const tiles = await openBenchTiles({ inputs: [`${url}/a.jpg`], limit: 100 }, {});
  t.after(() => tiles.close());
  assert.deepEqual(
    tiles.paths.map((path) => readFileSync(path)),
    [good],
  );
});
