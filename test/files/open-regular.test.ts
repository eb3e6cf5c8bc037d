import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { describe, it } from "node:test";
import { readPredictions } from "../../src/curation/prediction-file.js";
import { NOT_REGULAR, openRegular, readWholeRegular } from "../../src/files/open-regular.js";
import { loadCheckpoint } from "../../src/head/checkpoint.js";
import { readLabels } from "../../src/labels/formats.js";
import { collectTiles } from "../../src/tiles/sources.js";
import { countSeenTiles, SEEN_TILES_FILE } from "../../src/training/seen-tiles.js";
import { temporaryFolder } from "../helpers.js";

describe("opening what is no regular file", () => {
  it("refuses pipes, sockets, folders and devices without waiting", { timeout: 60_000 }, async (t) => {
    const folder = temporaryFolder(t);
    execFileSync("mkfifo", [join(folder, "pipe")]);
    const server = createServer().listen(join(folder, "socket"));
    t.after(() => server.close());
    await assert.rejects(openRegular(folder), { code: "EISDIR" });
    for (const path of [join(folder, "pipe"), "/dev/zero"]) {
      await assert.rejects(openRegular(path), { code: NOT_REGULAR });
    }
    await assert.rejects(openRegular(join(folder, "socket")), { code: "ENXIO" });
    await assert.rejects(openRegular(join(folder, "none")), { code: "ENOENT" });
    writeFileSync(join(folder, "file"), "text");
    assert.equal(String(await readWholeRegular(join(folder, "file"))), "text");
  });

  const readers: Record<string, (path: string, folder: string) => unknown> = {
    "labels.csv": (path) => readLabels(path, {}),
    "labels.parquet": (path) => readLabels(path, {}),
    "tiles.csv": (path) => readPredictions(path),
    "tiles.jsonl": (path) => readPredictions(path),
    "model.json": (_, folder) => loadCheckpoint(folder),
    [SEEN_TILES_FILE]: (path) => countSeenTiles(path, []),
    "list.txt": (path) => collectTiles(`@${path}`),
    "list.jsonl": (path) => collectTiles(`@${path}`),
  };
  for (const [name, read] of Object.entries(readers)) {
    it(`ends with an error where ${name} is a pipe`, { timeout: 60_000 }, async (t) => {
      const folder = temporaryFolder(t);
      execFileSync("mkfifo", [join(folder, name)]);
      await assert.rejects(
        async () => read(join(folder, name), folder),
        /no regular file|is not a file|holds no model/,
      );
    });
  }

  // In a process of its own: nothing could end this one's wait.
  for (const [module, reader] of [
    ["models/card-file.js", "readCard"],
    ["training/config.js", "readConfig"],
  ] as const) {
    it(`ends with an error where ${reader} gets a pipe`, (t) => {
      const pipe = join(temporaryFolder(t), "pipe");
      execFileSync("mkfifo", [pipe]);
      const url = new URL(`../../src/${module}`, import.meta.url).href;
      const script = `const { ${reader} } = await import(${JSON.stringify(url)}); ${reader}(${JSON.stringify(pipe)});`;
      const options = { encoding: "utf8", timeout: 60_000 } as const;
      const { status, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", script], options);
      assert.equal(status, 1);
      assert.match(stderr, /no regular file/);
    });
  }

  it("rejects a pipe and an archive that is one among tiles", { timeout: 60_000 }, async (t) => {
    const folder = temporaryFolder(t);
    execFileSync("mkfifo", [join(folder, "x.tar")]);
    writeFileSync(join(folder, "list.txt"), join(folder, "x.tar"));
    const problem = /x\.tar is rejected: the archive cannot be read \(no regular file\)/;
    for (const input of [join(folder, "x.tar"), `@${join(folder, "list.txt")}`]) {
      await assert.rejects(collectTiles(input), { name: "InputError", message: problem });
    }
    writeFileSync(join(folder, "a.jpg"), "");
    const { tiles } = await collectTiles([join(folder, "x.tar"), join(folder, "a.jpg")]);
    assert.deepEqual(
      tiles.map(({ failure }) => failure?.code),
      ["READ", undefined],
    );
  });
});
