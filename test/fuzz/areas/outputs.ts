/** Finished predictions of strangers, merged: as many rows as their manifests say, or one sentence and no output. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { CanopyError } from "../../../src/errors.js";
import { merge } from "../../../src/operations/merge.js";
import { predictWith } from "../../../src/operations/predict.js";
import { toyModel, writeToyTiles } from "../../engine/toy.js";
import { type Area, kindOf, type Seed } from "../fuzzer.js";

const WORDS = ['"predicted":', '"tags":["', '"probabilities":{', '"escapeFormulas":true', "'=", "NaN", "PAR1", ",0.5"];
const MANIFEST = ".manifest.json";

export async function outputArea(folder: string): Promise<Area> {
  await writeToyTiles(join(folder, "one"), 5);
  writeFileSync(join(folder, "one/bad.jpg"), "no picture");
  mkdirSync(join(folder, "two"));
  cpSync(join(folder, "one/tile_000000.jpg"), join(folder, "two/another.jpg"));
  const seeds: Seed[] = [];
  for (const format of ["csv", "jsonl", "parquet"]) {
    for (const set of ["one", "two"]) {
      const options = { inputs: [join(folder, set)], out: join(folder, `${set}.${format}`), workers: 1 };
      await predictWith(toyModel(), { ...options, probabilities: true });
    }
    for (const rest of ["", ".rejects.jsonl", MANIFEST]) {
      const name = `one.${format}${rest}`;
      seeds.push({ name, bytes: readFileSync(join(folder, name)) });
    }
  }
  return { seeds, words: WORDS, read: (file) => read(folder, seeds, file) };
}

async function read(folder: string, good: readonly Seed[], { name, bytes }: Seed): Promise<string> {
  for (const each of good) writeFileSync(join(folder, each.name), each.bytes);
  writeFileSync(join(folder, name), bytes);
  const [, format, rest] = name.split(/^one\.(csv|jsonl|parquet)/);
  const [out, second, merged] = [`one.${format}`, `two.${format}`, "merged.jsonl"].map((each) => join(folder, each));
  if (rest !== MANIFEST) sign(`${out}${MANIFEST}`, rest === "" ? "output" : "rejects", bytes);
  rmSync(merged, { force: true });
  try {
    const { predicted } = await merge({ outputs: [out, second], out: merged, overwrite: true });
    const rows = readFileSync(merged, "utf8").split("\n").filter(Boolean);
    assert.equal(rows.length, predicted);
    for (const row of rows) JSON.parse(row);
    return `${name} merged`;
  } catch (error) {
    if (!(error instanceof CanopyError)) throw error;
    assert.ok(!existsSync(merged), error.message);
    return kindOf(error.message);
  }
}

/** A stranger writes the hash of the file that he has changed, too. */
function sign(path: string, key: "output" | "rejects", bytes: Uint8Array): void {
  const manifest = JSON.parse(readFileSync(path, "utf8"));
  manifest[key] = { bytes: bytes.length, sha256: createHash("sha256").update(bytes).digest("hex") };
  writeFileSync(path, JSON.stringify(manifest));
}
