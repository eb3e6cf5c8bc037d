import assert from "node:assert/strict";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { it } from "node:test";
import { CanopyError } from "../../src/errors.js";
import { readLabels } from "../../src/labels/formats.js";
import { createRandom, type Random } from "../../src/random.js";
import { suiteFolder } from "../helpers.js";
import { INPUTS } from "./inputs.js";

const folder = suiteFolder();

/** Reads damaged bytes: labels, or one sentence that begins with the file; never another kind of error. */
async function survives(name: string, bytes: Uint8Array): Promise<void> {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  try {
    const { rows } = await readLabels(path);
    assert.ok(rows.length > 0);
    assert.ok(rows.every((row) => row.name !== "" && row.tags.every((tag) => /^[^\p{Cc}\s]+$/u.test(tag))));
  } catch (error) {
    const text = Buffer.from(bytes).toString("latin1");
    assert.ok(error instanceof CanopyError, `${error instanceof Error ? error.stack : error}\n${JSON.stringify(text)}`);
    assert.ok(error.message.startsWith(path) && !error.message.includes("\n"), error.message);
  } finally {
    rmSync(path, { recursive: true });
  }
}

function damage(bytes: Buffer, random: Random): Buffer {
  const damaged = Buffer.from(bytes);
  const kind = random.below(4);
  if (kind === 0) return damaged.subarray(0, random.below(bytes.length) + 1);
  if (kind === 1) {
    const from = random.below(bytes.length);
    return Buffer.concat([damaged.subarray(0, from), damaged.subarray(from + 1 + random.below(9))]);
  }
  for (let i = 0; i <= random.below(4); i++)
    damaged[random.below(bytes.length)] = kind === 2 ? random.below(256) : '",;|[]{}\n \\'.charCodeAt(random.below(11));
  return damaged;
}

it("damaged label files of every kind are read, or refused in one sentence", async () => {
  const random = createRandom(7);
  for (const { file, content } of INPUTS) {
    const made = typeof content === "function" ? content() : content;
    const bytes = typeof made === "string" ? Buffer.from(made) : made;
    if (bytes.length === 0 || bytes.length > 1 << 16) continue;
    for (let i = 0; i < 12; i++) await survives(file, damage(bytes, random));
  }
});

it("random bytes and random text are read, or refused in one sentence", async () => {
  const random = createRandom(8);
  const alphabet = Buffer.from("aab01,,;|\t\n\n\r\"'[]{}: .\\-_%\u00e9");
  for (let i = 0; i < 300; i++) {
    const length = 1 + random.below(200);
    const any = Uint8Array.from({ length }, () => random.below(256));
    const text = Uint8Array.from({ length }, () => alphabet[random.below(alphabet.length)]);
    for (const name of ["x.csv", "x.jsonl"]) {
      await survives(name, any);
      await survives(name, text);
    }
    await survives("x.parquet", Buffer.concat([Buffer.from("PAR1"), any, Buffer.from("PAR1")]));
  }
});
