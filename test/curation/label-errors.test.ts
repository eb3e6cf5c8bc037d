import assert from "node:assert/strict";
import { test } from "node:test";
import { parse } from "csv-parse/sync";
import { namesFor } from "../../src/curation/curated-tile.js";
import { labelErrorsToCsv, toLabelErrors, toReportErrors } from "../../src/curation/label-errors.js";
import { findLabelIssues } from "../../src/curation/label-issues.js";
import { resolveHeadConfig } from "../../src/head/config.js";
import { createRandom } from "../../src/random.js";
import { fitHead } from "../../src/training/fit.js";

test("labels that were flipped in separable data are listed first, with tile, tag and what was given", async () => {
  const rows = 240;
  const random = createRandom(3);
  const data = Float32Array.from({ length: rows * 4 }, () => 2 * random.uniform() - 1);
  const truth = (row: number) => [data[row * 4] > 0, data[row * 4 + 1] + data[row * 4 + 2] > 0];
  const cells = Uint8Array.from({ length: rows * 2 }, (_, cell) => (truth(cell >> 1)[cell & 1] ? 1 : 0));
  // Tiles far from both borders, so that nobody could have meant the label.
  const clear = [...Array(rows).keys()].filter(
    (row) => Math.abs(data[row * 4]) > 0.5 && Math.abs(data[row * 4 + 1] + data[row * 4 + 2]) > 0.5,
  );
  const planted = [2 * clear[3], 2 * clear[17] + 1, 2 * clear[30]];
  for (const cell of planted) cells[cell] ^= 1;
  const labels = { data: cells, rows, tags: ["left", "right"] };
  const fitted = await fitHead({ data, rows, numFeatures: 4 }, labels, resolveHeadConfig({}));
  const tiles = Array.from({ length: rows }, (_, row) => ({ name: `t${row}`, path: `in/t${row}.jpg` }));
  const errors = toLabelErrors(findLabelIssues(fitted.scored.probabilities, labels), tiles, labels, namesFor(tiles));
  assert.deepEqual(
    new Set(errors.slice(0, 3).map(({ name, tag }) => `${name} ${tag}`)),
    new Set(planted.map((cell) => `t${cell >> 1} ${labels.tags[cell & 1]}`)),
  );
  const [first] = parse(labelErrorsToCsv(errors), { columns: true }) as Record<string, string>[];
  const row = Number(first["image_name"].slice(1));
  assert.equal(first["path"], `in/t${row}.jpg`);
  assert.equal(first["given"], String(cells[row * 2 + labels.tags.indexOf(first["tag"])]));
  assert.equal(first["tags"], labels.tags.filter((_, tag) => cells[row * 2 + tag]).join(" "));
  assert.deepEqual(toReportErrors(errors).count, errors.length);
});

test("without probable errors the table is its header", () => {
  assert.equal(labelErrorsToCsv([]), "image_name,path,tag,given,probability,score,tags\n");
});
