/** What users hand on beside labels: predictions to look at, lists of tiles, configurations. What they hold, or one sentence. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { readPredictions } from "../../../src/curation/prediction-file.js";
import { CanopyError, OptionError } from "../../../src/errors.js";
import { collectTiles } from "../../../src/tiles/sources.js";
import { readConfig } from "../../../src/training/config.js";
import { type Area, kindOf, type Seed } from "../fuzzer.js";

const WORDS = [",0.5", '"probabilities":', "image_name,tags", "@", "<<: *a", "&a [", "!!js", "epochs: "];

const SEEDS: Record<string, string> = {
  "tags.csv": "image_name,tags,clear,haze\na,clear haze,0.9,0.8\nb,,0.1,0.2\n",
  "tags.jsonl":
    '{"image_name":"a","path":"in/a.jpg","tags":["clear"],"probabilities":{"clear":0.9,"haze":0.1}}\n{"image_name":"b","tags":[]}\n',
  "list.txt": "\ufeffa.jpg\r\nin/b.png\n\nc.tif\n",
  "run.yaml":
    "epochs: 3\nsize: 64\nbackbone: canopy\nlabels: {format: csv}\nrecipe: &a tutorial\ntags: [clear, haze]\n",
  "run.json": '{"epochs": 3, "size": 64, "finetune": {"epochs": 2}}',
};

export function textArea(folder: string): Area {
  const seeds = Object.entries(SEEDS).map(([name, text]) => ({ name, bytes: Buffer.from(text) }));
  return { seeds, words: WORDS, read: (file) => read(join(folder, file.name), file) };
}

async function read(path: string, { name, bytes }: Seed): Promise<string> {
  writeFileSync(path, bytes);
  try {
    return `${name} ${await outcomeOf(path, name)}`;
  } catch (error) {
    if (!(error instanceof CanopyError || error instanceof OptionError)) throw error;
    assert.ok(error.message.length < 2000, error.message.slice(0, 2000));
    return kindOf(error.message);
  }
}

async function outcomeOf(path: string, name: string): Promise<string> {
  if (name.startsWith("run")) return Object.keys(readConfig(path)).sort().slice(0, 8).join(" ");
  if (name.startsWith("list")) {
    const { tiles } = await collectTiles([`@${path}`]);
    return String(Math.min(tiles.length, 5));
  }
  const { of } = await readPredictions(path);
  for (const { probabilities } of of.values()) {
    assert.ok([...(probabilities?.values() ?? [])].every((value) => value >= 0 && value <= 1));
  }
  return String(Math.min(of.size, 5));
}
