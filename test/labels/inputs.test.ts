import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, it } from "node:test";
import { CanopyError } from "../../src/errors.js";
import { readLabels } from "../../src/labels/formats.js";
import { needsShared, SHARED, suiteFolder } from "../helpers.js";
import { INPUTS, type LabelInput, TRUTH, writeInput } from "./inputs.js";

/** Of six tiles some tags are bound to be on one alone. */
const USUAL = ["SINGLE_TILE_TAGS"];

async function check(input: LabelInput, folder: string): Promise<void> {
  const path = writeInput(input, folder);
  const { gives } = input;
  if (gives instanceof RegExp) {
    await assert.rejects(readLabels(path, input.options), (error) => {
      assert.ok(error instanceof CanopyError, String(error));
      assert.match(error.message, gives);
      assert.ok(error.message.startsWith(path), error.message);
      return true;
    });
    return;
  }
  const labels = await readLabels(path, input.options);
  const read = Object.fromEntries(labels.rows.map(({ name, tags }) => [name, [...tags].sort()]));
  const expected = Object.entries(gives === "read" ? TRUTH : gives).filter(([, tags]) => tags !== undefined);
  assert.deepEqual(read, Object.fromEntries(expected.map(([name, tags]) => [name, [...tags].sort()])));
  const codes = labels.doubts.map(({ code }) => code).filter((code) => !USUAL.includes(code));
  assert.deepEqual(codes.sort(), [...(input.doubts ?? [])].sort());
  assert.equal(labels.recognised.tiles, labels.rows.length);
}

describe("a label file", () => {
  const root = suiteFolder();
  INPUTS.forEach((input, i) => {
    it(`${i + 1}: ${input.what}${input.said === undefined ? "" : `, with ${input.said}`}`, () =>
      check(input, join(root, String(i))));
  });
});

describe("the label files of the shared folder", needsShared("cases/02-labels-read-as-something-else"), () => {
  const folder = join(SHARED, "cases/02-labels-read-as-something-else");
  for (const file of [
    "a_onehot",
    "b_unquoted_commas",
    "c_quoted_commas",
    "d_python_lists",
    "e_third_column",
    "f_nan",
    "g_no_header",
  ]) {
    it(`${file} says what the control says`, async () => {
      const control = await readLabels(join(folder, "z_control.csv"));
      const { rows, recognised } = await readLabels(join(folder, `${file}.csv`));
      assert.deepEqual([recognised.tags, control.recognised.tags], [3, 3]);
      const truth = new Map(control.rows.map(({ name, tags }) => [name, [...tags].sort()]));
      for (const { name, tags } of rows) assert.deepEqual([...tags].sort(), truth.get(name));
      assert.equal(rows.length, file === "f_nan" ? 18 : 24);
    });
  }
});
