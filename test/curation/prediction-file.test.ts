import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { readPredictions } from "../../src/curation/prediction-file.js";
import { assertRefused } from "../damaged-json.js";
import { temporaryFolder } from "../helpers.js";

test("a line of predictions with any key missing or of another type is refused by file, line and key", async (t) => {
  const path = join(temporaryFolder(t), "tags.jsonl");
  const good = { image_name: "a", path: "in/a.jpg", tags: ["clear"], probabilities: { clear: 0.9 } };
  const read = (json: unknown) => {
    writeFileSync(path, `${JSON.stringify(good)}\n\n${JSON.stringify(json)}\n`);
    return readPredictions(path);
  };
  const predictions = await read({ ...good, image_name: "b", path: "b.jpg", probabilities: undefined });
  assert.deepEqual(
    predictions.rows.map(({ name, path }) => [name, path]),
    [
      ["a", "in/a.jpg"],
      ["b", "b.jpg"],
    ],
  );
  assert.deepEqual(predictions.of.get(predictions.rows[0]), {
    tags: ["clear"],
    probabilities: new Map([["clear", 0.9]]),
  });
  assert.deepEqual(predictions.of.get(predictions.rows[1]), { tags: ["clear"] });
  await assertRefused(good, `${path}, line 3,`, read, /^path |^probabilities(\.clear)? missing$/);
  writeFileSync(path, '{"image_name": "a", "tags": [');
  await assert.rejects(readPredictions(path), /tags\.jsonl, line 1, is damaged: it is not JSON/);
});

test("a table whose quotes do not close, or that is no table, is refused in a sentence", async (t) => {
  const path = join(temporaryFolder(t), "tags.csv");
  for (const rows of ['a,cl"ear,0.5', '"a,clear,0.5', "a,clear"]) {
    writeFileSync(path, `image_name,tags,clear\n${rows}\n`);
    await assert.rejects(readPredictions(path), { name: "FormatError", message: /tags\.csv is not CSV: / });
  }
  for (const cell of ["", " ", "1.5", "high"]) {
    writeFileSync(path, `image_name,tags,clear\na,clear,${cell}\n`);
    await assert.rejects(readPredictions(path), { name: "FormatError", message: /line 2: expected a probability/ });
  }
});
