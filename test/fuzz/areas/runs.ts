/** The folder of an interrupted run, damaged: it goes on to the same output, or is refused in a sentence; never to another output. */
import assert from "node:assert/strict";
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { CanopyError } from "../../../src/errors.js";
import { predictWith } from "../../../src/operations/predict.js";
import { toyModel, writeToyTiles } from "../../engine/toy.js";
import { type Area, kindOf, type Seed } from "../fuzzer.js";

const WORDS = ['"tiles":', '"first":', '"offsets":[0]', '"path":"../', "part-000001.rows", '"sha256":'];
const TILES = 12;

export async function runArea(folder: string): Promise<Area> {
  await writeToyTiles(join(folder, "in"), TILES);
  writeFileSync(join(folder, "in/bad.jpg"), "no picture");
  const out = join(folder, "out.csv");
  const options = { inputs: [join(folder, "in")], out, workers: 1, batchSize: 4, commit: { tiles: 4 } };
  await predictWith(toyModel(), { ...options, out: join(folder, "whole.csv") });
  const parts = await interrupt(options, join(folder, "stopped"));
  const names = readdirSync(parts).filter((name) => /\.(json|jsonl|rows)$/.test(name));
  const seeds = names.map((name) => ({ name, bytes: readFileSync(join(parts, name)) }));
  return { seeds, words: WORDS, read: (file) => read(folder, parts, options, file) };
}

/** A run that is stopped after its first parts; gives a copy of its folder. */
async function interrupt(options: Parameters<typeof predictWith>[1], copy: string): Promise<string> {
  const controller = new AbortController();
  const onProgress = ({ stage, done }: { stage: string; done: number }) => {
    if (stage === "predict" && done >= 8) controller.abort();
  };
  const context = { signal: controller.signal, onProgress };
  await assert.rejects(predictWith(toyModel(), options, context), { code: "INTERRUPTED" });
  cpSync(`${options.out}.parts`, copy, { recursive: true });
  return copy;
}

async function read(
  folder: string,
  stopped: string,
  options: Parameters<typeof predictWith>[1],
  file: Seed,
): Promise<string> {
  const parts = `${options.out}.parts`;
  for (const name of readdirSync(folder))
    if (name.startsWith("out.csv")) rmSync(join(folder, name), { recursive: true });
  mkdirSync(parts);
  cpSync(stopped, parts, { recursive: true });
  writeFileSync(join(parts, file.name), file.bytes);
  const warnings: string[] = [];
  try {
    await predictWith(toyModel(), { ...options, resume: true }, { onWarning: (text) => void warnings.push(text) });
  } catch (error) {
    if (!(error instanceof CanopyError)) throw error;
    return kindOf(error.message);
  }
  for (const rest of ["", ".rejects.jsonl"]) {
    const whole = readFileSync(join(folder, `whole.csv${rest}`), "utf8");
    assert.equal(readFileSync(join(folder, `out.csv${rest}`), "utf8"), whole, `out.csv${rest}`);
  }
  return warnings.map(kindOf).join("\n");
}
