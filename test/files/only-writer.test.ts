/** Files are written by src/files alone, which flushes them; whoever writes otherwise stands here with the reason. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { test } from "node:test";
import { ROOT } from "../helpers.js";

const SRC = join(ROOT, "src");

const EXCEPTIONS: Readonly<Record<string, string>> = {
  "bench/contender-canopy.ts": "pixels to be compared, gone after the measurement",
  "bench/contender-sharp.ts": "the same",
  "bench/tiles.ts": "copies to be measured, gone after the measurement",
  "features/segment.ts": "a cache that is only appended to; each block and row has its checksum",
  "isolation/in-flight.ts": "written in place before each batch; says nothing after a power cut",
  "tiles/stdin.ts": "a copy that is written over in place, as the disk may not hold two; flushed there",
};

const WRITING =
  /\b(writeFile|writeFileSync|appendFile|appendFileSync|rename|renameSync|createWriteStream|copyFile|copyFileSync|cp|cpSync|truncate|truncateSync|link|symlink)\b/;
const OPENING = /\bopen(Sync)?\(.*, "(w|a|r\+|wx|ax|w\+|a\+)"|\bO_(WRONLY|RDWR)\b/;
/** Of libraries: sharp's, and the file writers of Parquet and tar. */
const FOREIGN = /\.toFile\(|fileWriter|parquetWriteFile/;

function writes(text: string): boolean {
  const imports = [...text.matchAll(/import ([^;]+) from "(?:node:)?fs(?:\/promises)?";/g)].map(([, names]) => names);
  const whole = imports.some((names) => !names.startsWith("{") && !names.startsWith("type "));
  return whole || imports.some((names) => WRITING.test(names)) || OPENING.test(text) || FOREIGN.test(text);
}

test("nothing but src/files writes files, with few exceptions", () => {
  const writers = readdirSync(SRC, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts"))
    .map((name) => relative(SRC, join(SRC, name)).replaceAll("\\", "/"))
    .filter((name) => !name.startsWith("files/") && writes(readFileSync(join(SRC, name), "utf8")));
  assert.deepEqual(writers.sort(), Object.keys(EXCEPTIONS).sort());
});

test("every way to write is seen", () => {
  for (const text of [
    'import { readFile, writeFile } from "node:fs/promises";',
    'import { renameSync } from "node:fs";',
    'import fs from "node:fs";',
    'import * as fs from "fs/promises";',
    'const file = await open(path, "w");',
    'const file = openSync(join(a, "b"), "wx");',
    "openSync(path, O_WRONLY | O_CREAT)",
    "await sharp(pixels).toFile(path);",
  ]) {
    assert.ok(writes(text), text);
  }
  for (const text of ['import { readFile } from "node:fs/promises";', 'openSync(path, "r")', "stream.write(block)"]) {
    assert.ok(!writes(text), text);
  }
});
