/** Each attack of the table in SECURITY.md, for real: what happens, and within which memory and time of processors. */
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, describe, it } from "node:test";
import { saveToyModel, writeToyTiles } from "../engine/toy.js";
import { suiteFolder } from "../helpers.js";
import { type Given, run } from "./attack.js";
import { ATTACKS } from "./attacks.js";

const root = suiteFolder();
const tiles = join(root, "tiles");
const labels = join(root, "labels.csv");
let toy: { model: string; backbone: string };

before(async () => {
  await writeToyTiles(tiles, 24);
  const rows = Array.from({ length: 24 }, (_, i) => `tile_${String(i).padStart(6, "0")},${i % 2 ? "red" : "blue"}\n`);
  writeFileSync(labels, `image_name,tags\n${rows.join("")}`);
  toy = await saveToyModel(root);
});

describe("an attack", () => {
  ATTACKS.forEach(({ what, make, status, says, check, skip, megabytes, seconds }, i) => {
    it(what.replaceAll(/[^ -~]/g, "?"), { skip: skip ?? false }, async (t) => {
      const folder = join(root, String(i));
      mkdirSync(folder);
      const given: Given = { folder, tiles, labels, ...toy };
      for (const command of [await make(given)].flat()) {
        const outcome = await run(command, folder);
        t.diagnostic(`${outcome.megabytes.toFixed(0)} MB, ${outcome.seconds.toFixed(1)} s of processors`);
        assert.equal(outcome.status, status, outcome.output);
        assert.match(outcome.output, says);
        check?.(given);
        assert.ok(outcome.megabytes < megabytes, `${outcome.megabytes} MB`);
        assert.ok(outcome.seconds < seconds, `${outcome.seconds} s`);
      }
    });
  });
});
