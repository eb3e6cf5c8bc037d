import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { InputError, InterruptedError } from "../../src/errors.js";
import { resumablePath } from "../../src/files/temporary.js";
import { synthesize } from "../../src/operations/synth.js";
import { collectTiles } from "../../src/tiles/sources.js";
import { runCli, temporaryFolder } from "../helpers.js";

/** All files of a folder with their bytes. */
function contents(folder: string): Record<string, string> {
  const names = readdirSync(folder).sort();
  return Object.fromEntries(names.map((name) => [name, readFileSync(join(folder, name)).toString("base64")]));
}

const SMALL = { seed: 11, size: 32 };

test("the same seed gives the same bytes, whatever the number of workers", async (t) => {
  const folder = temporaryFolder(t);
  const [one, three] = [join(folder, "one"), join(folder, "three")];
  const result = await synthesize({ ...SMALL, count: 70, out: one, workers: 1 });
  await synthesize({ ...SMALL, count: 70, out: three, workers: 3 });
  assert.equal(result.tiles, 70);
  assert.equal(readdirSync(one).length, 72);
  assert.deepEqual(contents(one), contents(three));
});

test("labels name every tile once, and no partial folder is left", async (t) => {
  const out = join(temporaryFolder(t), "set");
  await synthesize({ ...SMALL, count: 5, out, workers: 1 });
  const lines = readFileSync(join(out, "labels.csv"), "utf8").trim().split("\n");
  assert.equal(lines[0], "image_name,tags");
  assert.deepEqual(
    lines.slice(1).map((line) => line.split(",")[0]),
    [0, 1, 2, 3, 4].map((i) => `synth_${i}`),
  );
  assert.ok(!existsSync(resumablePath(out)));
});

test("archives hold the same tiles as files, in numbered parts", async (t) => {
  const folder = temporaryFolder(t);
  const out = join(folder, "tars");
  await synthesize({ ...SMALL, count: 50, out, workers: 2, tilesPerTar: 20 });
  await synthesize({ ...SMALL, count: 50, out: join(folder, "plain"), workers: 2 });
  const tars = readdirSync(out).filter((name) => name.endsWith(".tar"));
  assert.deepEqual(tars.sort(), ["tiles-00000.tar", "tiles-00001.tar", "tiles-00002.tar"]);
  const { tiles, close } = await collectTiles(tars.map((name) => join(out, name)));
  t.after(close);
  assert.equal(tiles.length, 50);
  for (const { name, path, offset = 0, byteLength } of tiles) {
    const bytes = readFileSync(path).subarray(offset, offset + byteLength!);
    assert.deepEqual(bytes, readFileSync(join(folder, "plain", `${name}.jpg`)));
  }
});

test("an interrupted run leaves no folder under the final name, and --resume completes the same set", async (t) => {
  const folder = temporaryFolder(t);
  const out = join(folder, "set");
  const controller = new AbortController();
  const stop = {
    signal: controller.signal,
    onProgress: ({ done }: { done: number }) => done >= 32 && controller.abort(),
  };
  await assert.rejects(synthesize({ ...SMALL, count: 200, out, workers: 1 }, stop), InterruptedError);
  assert.ok(!existsSync(out));
  await assert.rejects(synthesize({ ...SMALL, count: 200, out, workers: 1 }), InputError);
  await assert.rejects(synthesize({ ...SMALL, count: 201, out, workers: 1, resume: true }), InputError);
  let first: number | undefined;
  await synthesize(
    { ...SMALL, count: 200, out, workers: 1, resume: true },
    {
      onProgress: ({ done }) => {
        first ??= done;
      },
    },
  );
  assert.ok(first! >= 32, `resumed from ${first}`);
  await synthesize({ ...SMALL, count: 200, out: join(folder, "whole"), workers: 1 });
  assert.deepEqual(contents(out), contents(join(folder, "whole")));
});

test("an existing set needs --overwrite, and a folder of somebody else's files is never replaced", async (t) => {
  const folder = temporaryFolder(t);
  const [set, foreign] = [join(folder, "set"), join(folder, "foreign")];
  await synthesize({ ...SMALL, count: 2, out: set, workers: 1 });
  await assert.rejects(synthesize({ ...SMALL, count: 3, out: set, workers: 1 }), /`overwrite`/);
  await synthesize({ ...SMALL, count: 3, out: set, workers: 1, overwrite: true });
  assert.equal(readdirSync(set).length, 5);
  mkdirSync(foreign);
  writeFileSync(join(foreign, "thesis.txt"), "years of work");
  await assert.rejects(synthesize({ ...SMALL, count: 1, out: foreign, overwrite: true }), /did not make/);
  assert.deepEqual(readdirSync(foreign), ["thesis.txt"]);
});

test("an archive that cannot be written is named, at whatever byte it fails", (t) => {
  const out = join(temporaryFolder(t), "set");
  for (const fileKilobytes of [9, 60, 130, 210]) {
    const args = ["synth", "--count", "40", "--tar", "--out", out, "--overwrite", "--quiet"];
    const { status, stderr } = runCli(args, { fileKilobytes });
    assert.equal(status, 1);
    assert.match(
      stderr,
      /^canopy: The limit for the size of a file is reached .*: \S+\.tar could not be written\. .*--resume\.$/m,
    );
  }
});
