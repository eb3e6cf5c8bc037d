import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { test } from "node:test";
import { updateAttacks } from "../../scripts/attack-table.js";
import { updateLabelInputs } from "../../scripts/label-inputs.js";
import { listPages } from "../../scripts/pages.js";
import { updateReference } from "../../scripts/reference.js";
import { updateTileInputs } from "../../scripts/tile-inputs.js";
import { LONGEST_LINE } from "../../scripts/wrap.js";
import { ROOT } from "../helpers.js";

test("docs/cli.md lists what the commands define", () => {
  const page = readFileSync(join(ROOT, "docs/cli.md"), "utf8");
  assert.ok(page === updateReference(page), "docs/cli.md is stale: npm run docs writes it again");
});

test("docs/labels.md says what canopy does with the label files of its tests", async () => {
  const page = readFileSync(join(ROOT, "docs/labels.md"), "utf8");
  assert.ok(page === (await updateLabelInputs(page)), "docs/labels.md is stale: npm run docs writes it again");
});

test("docs/inputs.md says what canopy does with the pictures and inputs of its tests", async () => {
  const page = readFileSync(join(ROOT, "docs/inputs.md"), "utf8");
  assert.ok(page === (await updateTileInputs(page)), "docs/inputs.md is stale: npm run docs writes it again");
});

test("SECURITY.md has the attacks that tests try", () => {
  const page = readFileSync(join(ROOT, "SECURITY.md"), "utf8");
  assert.ok(page === updateAttacks(page), "SECURITY.md is stale: npm run docs writes it again");
});

test("no line of a page is longer than 160 characters (npm run docs wraps prose; a long table is better a list)", () => {
  const long = listPages().flatMap((path) => {
    const lines = readFileSync(path, "utf8").split("\n");
    return lines.flatMap((line, i) => (line.length > LONGEST_LINE ? [`${relative(ROOT, path)}:${i + 1}`] : []));
  });
  assert.deepEqual(long, []);
});
