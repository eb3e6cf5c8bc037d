import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, it } from "node:test";
import { CanopyError } from "../../src/errors.js";
import { readLabels } from "../../src/labels/formats.js";
import { suiteFolder } from "../helpers.js";
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
