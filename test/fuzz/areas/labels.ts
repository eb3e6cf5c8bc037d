/** Label files of every kind: rows with names and clean tags, or one sentence that begins with the file. */
import assert from "node:assert/strict";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { CanopyError } from "../../../src/errors.js";
import { readLabels } from "../../../src/labels/formats.js";
import { INPUTS } from "../../labels/inputs.js";
import { type Area, kindOf, type Seed } from "../fuzzer.js";

const MOST_BYTES = 1 << 14;
const WORDS = [
  "image_name,tags\n",
  "file_name",
  '{"annotations": [',
  "true",
  ";",
  "|",
  "\t",
  "['a', 'b']",
  "nan",
  "PAR1",
];

export function labelArea(folder: string): Area {
  return { seeds: seeds(), words: WORDS, read: (file) => read(join(folder, file.name), file) };
}

function seeds(): Seed[] {
  return INPUTS.flatMap(({ file, content }) => {
    const made = typeof content === "function" ? content() : content;
    const bytes = typeof made === "string" ? Buffer.from(made) : made;
    return bytes.length === 0 || bytes.length > MOST_BYTES || file.includes("/") ? [] : [{ name: file, bytes }];
  });
}

async function read(path: string, { bytes }: Seed): Promise<string> {
  writeFileSync(path, bytes);
  try {
    const { rows, recognised, doubts } = await readLabels(path);
    assert.ok(rows.length > 0);
    assert.ok(rows.every((row) => row.name !== "" && row.tags.every((tag) => /^[^\p{Cc}\s]+$/u.test(tag))));
    const { format, encoding, delimiter, header, separator, multiHot } = recognised;
    return JSON.stringify([format, encoding, delimiter, header, separator, multiHot, doubts.map(({ code }) => code)]);
  } catch (error) {
    if (!(error instanceof CanopyError)) throw error;
    const { message } = error;
    assert.ok(message.includes(path) && !message.includes("\n"), JSON.stringify(message));
    return kindOf(message);
  } finally {
    rmSync(path, { recursive: true, force: true });
  }
}
