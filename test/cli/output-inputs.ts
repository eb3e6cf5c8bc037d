/** What commands that leave files are tried on. */
import { appendFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { synthesize } from "../../src/operations/synth.js";
import { saveToyModel, TOY_SIZE } from "../engine/toy.js";
import { runCli } from "../helpers.js";
import { writeTinyBackbone } from "../training/tiny-backbone.js";

/** What the commands read. */
export interface Inputs {
  tiles: string;
  labels: string;
  model: string;
  backbone: string;
  /** A trained model's folder, with its report. */
  trained: string;
  labelStudio: string;
  predictions: string;
  shards: string[];
  /** A folder of archives. */
  tars: string;
  /** A backbone of convolutions, which can compute with integers or learn; and a model trained on it. */
  convolutions: string;
  quantizable: string;
}

const COUNT = 24;

/** Makes the input in `folder`; one of its tiles is no image. `env` is for the command line. */
export async function makeInputs(folder: string, env: Record<string, string>): Promise<Inputs> {
  const tiles = join(folder, "tiles");
  const labels = join(tiles, "labels.csv");
  await synthesize({ count: COUNT, size: 32, out: tiles, seed: 5, workers: 1 });
  writeFileSync(join(tiles, "bad.jpg"), "no image");
  appendFileSync(labels, "bad,clear\n");
  const { model, backbone } = await saveToyModel(folder);
  const at = (name: string) => join(folder, name);
  const run = (...args: string[]) => {
    const { status, stderr } = runCli(args, { env });
    if (status !== 0) throw new Error(`${args.join(" ")}: ${stderr}`);
  };
  const predict = (out: string, ...more: string[]) =>
    run("predict", tiles, "--model", model, "--backbone", backbone, "--out", out, "--probabilities", ...more);
  run(...trainArguments({ tiles, labels, backbone }, at("trained")));
  predict(at("tags.jsonl"));
  const shards = [1, 2].map((i) => at(`shard-${i}.jsonl`));
  for (const [i, shard] of shards.entries()) predict(shard, "--shard", `${i + 1}/2`);
  run("labels", "export", "--tiles", tiles, "--labels", labels, "--format", "label-studio", "--out", at("tasks.json"));
  await synthesize({ count: 300, size: 32, out: at("tars"), tilesPerTar: 200, workers: 1 });
  const convolutions = writeTinyBackbone(folder);
  run(...trainArguments({ tiles, labels, backbone: convolutions }, at("quantizable")), "--normalisation", "unit");
  return {
    tiles,
    labels,
    model,
    backbone,
    trained: at("trained"),
    labelStudio: at("tasks.json"),
    predictions: at("tags.jsonl"),
    shards,
    tars: at("tars"),
    convolutions,
    quantizable: at("quantizable"),
  };
}

export function trainArguments(
  { tiles, labels, backbone }: Pick<Inputs, "tiles" | "labels" | "backbone">,
  out: string,
): string[] {
  const recipe = ["--backbone", backbone, "--size", String(TOY_SIZE), "--epochs", "2"];
  return ["train", "--tiles", tiles, "--labels", labels, "--out", out, ...recipe];
}
