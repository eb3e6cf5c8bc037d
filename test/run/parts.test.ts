import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { checkParts, commitPart } from "../../src/run/parts.js";
import { runFiles } from "../../src/run/paths.js";
import { hashNext, readTileList } from "../../src/tiles/tile-list.js";
import { writeTileList } from "../../src/tiles/write-list.js";
import { temporaryFolder } from "../helpers.js";

const REJECT = { path: "x", name: "x", code: "READ", message: "gone" };

/** A run folder whose list has 12 tiles; commits `parts` of two tiles each. */
async function committed(folder: string, parts: readonly number[]): Promise<void> {
  async function* source() {
    for (let i = 0; i < 12; i++) yield { name: `${i}`, path: `${i}.jpg` };
  }
  const { tiles } = runFiles(folder);
  await writeTileList(tiles, source(), {});
  for (const part of parts) {
    const first = part * 2;
    const tilesSha256 = await hashNext(readTileList(tiles, { from: first, to: first + 2 }), 2);
    await commitPart(folder, { part, first, predicted: 1, tilesSha256, rows: `row ${part}\n`, rejects: [REJECT] });
  }
}

test("parts count only as far as they follow one another", async (t) => {
  const folder = temporaryFolder(t);
  await committed(folder, [0, 1, 3]);
  const onWarning = (text: string) => assert.fail(text);
  const found = await checkParts(folder, { onWarning });
  assert.deepEqual(found, { parts: 2, tiles: 4, predicted: 2, rejected: 2 });
  assert.ok(!existsSync(join(folder, "part-000003.json")));
});

test("parts count only as far as they are whole, and hold the tiles of the list", async (t) => {
  const damages: [file: string, damage: (text: string) => string, warning: RegExp][] = [
    ["part-000002.json", () => '{"part": 2, "fir', /Part 2 has a damaged record/],
    ["part-000002.json", () => "{}", /Part 2 has a damaged record/],
    ["part-000002.json", (text) => text.replace('"part":2', '"part":1'), /Part 2 has a damaged record/],
    ["part-000002.json", (text) => text.replace('"first":4', '"first":2'), /begins with tile 2, not 4/],
    ["part-000002.json", (text) => text.replace(REJECT.message, "-"), /holds rejects that do not match their checksum/],
    ["part-000002.rows", () => "other\n", /does not match its checksum/],
    ["tiles.jsonl", (text) => text.replace('"5.jpg"', '"7.jpg"'), /Part 2 holds other tiles than the list/],
  ];
  for (const [file, damage, warning] of damages) {
    const folder = temporaryFolder(t);
    await committed(folder, [0, 1, 2]);
    const path = join(folder, file);
    writeFileSync(path, damage(readFileSync(path, "utf8")));
    const warnings: string[] = [];
    assert.equal((await checkParts(folder, { onWarning: (text) => warnings.push(text) })).parts, 2, file);
    assert.equal(warnings.length, 1);
    assert.match(warnings[0], warning);
  }
});

test("parts that cannot be read now are not taken for damaged", async (t) => {
  for (const [file, message] of [
    ["part-000001.json", /part-000001\.json cannot be read \(EISDIR\)/],
    ["part-000001.rows", /part-000001\.rows cannot be read \(EISDIR\)/],
  ] as const) {
    const folder = temporaryFolder(t);
    await committed(folder, [0, 1, 2]);
    // A folder, as root can read any file.
    rmSync(join(folder, file));
    mkdirSync(join(folder, file));
    const onWarning = (text: string) => assert.fail(text);
    await assert.rejects(checkParts(folder, { onWarning }), message);
    assert.ok(existsSync(join(folder, "part-000002.json")));
  }
});
