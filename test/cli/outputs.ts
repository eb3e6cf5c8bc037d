/** Every command that leaves files, on small input, and which files: for tests of what happens to outputs. */
import { appendFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { synthesize } from "../../src/operations/synth.js";
import { saveToyModel, TOY_SIZE } from "../engine/toy.js";
import { runCli } from "../helpers.js";

export interface OutputCommand {
  what: string;
  args: string[];
  /** Paths of what it leaves. */
  outputs: string[];
  /** Those that stand for an older output, to be replaced with `--overwrite`. */
  old: string[];
  /** Has `--resume`. */
  resumes?: boolean;
  env?: Record<string, string>;
}

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
  return {
    tiles,
    labels,
    model,
    backbone,
    trained: at("trained"),
    labelStudio: at("tasks.json"),
    predictions: at("tags.jsonl"),
    shards,
  };
}

function trainArguments(
  { tiles, labels, backbone }: Pick<Inputs, "tiles" | "labels" | "backbone">,
  out: string,
): string[] {
  const recipe = ["--backbone", backbone, "--size", String(TOY_SIZE), "--epochs", "2"];
  return ["train", "--tiles", tiles, "--labels", labels, "--out", out, ...recipe];
}

/** The commands, writing into `into`. */
export function outputCommands(inputs: Inputs, into: string): OutputCommand[] {
  const { tiles, model, backbone, labelStudio, predictions, shards } = inputs;
  const at = (name: string) => join(into, name);
  const tagged = ["--model", model, "--backbone", backbone];
  const predicted = (name: string) => [name, `${name}.rejects.jsonl`, `${name}.manifest.json`].map(at);
  const predict = (name: string): OutputCommand => ({
    what: `predict to ${name}`,
    args: ["predict", tiles, ...tagged, "--out", at(name), "--probabilities"],
    outputs: predicted(name),
    old: predicted(name),
    resumes: true,
  });
  const synth = ["synth", "--count", "8", "--size", "32", "--workers", "1"];
  const modelFiles = [
    "model.json",
    "head.safetensors",
    "history.csv",
    "report.json",
    "report.html",
    "label-errors.csv",
    "summary.json",
  ];
  return [
    {
      what: "synth",
      args: [...synth, "--out", at("tiles")],
      outputs: ["synth_0.jpg", "synth_7.jpg", "labels.csv", "synth.json"].map((name) => at(`tiles/${name}`)),
      old: [at("tiles/synth.json")],
      resumes: true,
    },
    {
      what: "synth --tar",
      args: [...synth, "--tar", "--per-tar", "5", "--out", at("tars")],
      outputs: ["tiles-00000.tar", "tiles-00001.tar", "labels.csv", "synth.json"].map((name) => at(`tars/${name}`)),
      old: [at("tars/synth.json")],
      resumes: true,
    },
    {
      what: "fix",
      args: ["fix", tiles, "--workers", "1", "--out", at("fixed")],
      outputs: [at("fixed/synth_0.png"), at("fixed/synth_23.png"), at("fixed.rejects.jsonl")],
      old: [at("fixed/synth_23.png")],
      resumes: true,
    },
    {
      what: "train",
      args: trainArguments(inputs, at("model")),
      outputs: [...modelFiles.map((name) => at(`model/${name}`)), at("model.rejects.jsonl")],
      old: [at("model/model.json")],
      resumes: true,
    },
    {
      what: "export",
      args: ["export", ...tagged, "--out", at("model.onnx")],
      outputs: [at("model.onnx")],
      old: [at("model.onnx")],
    },
    ...["tags.csv", "tags.parquet"].map(predict),
    {
      what: "merge",
      args: ["merge", ...shards, "--out", at("merged.jsonl")],
      outputs: predicted("merged.jsonl"),
      old: predicted("merged.jsonl"),
    },
    {
      what: "suggest",
      args: ["suggest", tiles, ...tagged, "--count", "3", "--out", at("next.csv")],
      outputs: [at("next.csv"), at("next.csv.rejects.jsonl")],
      old: [at("next.csv")],
    },
    {
      what: "models import",
      args: ["models", "import", backbone, "--name", "toy"],
      outputs: [at("cache/models/toy.onnx"), at("cache/models/toy.json")],
      old: [],
      env: { CANOPY_CACHE: at("cache") },
    },
    {
      what: "labels import",
      args: ["labels", "import", labelStudio, "--out", at("labels.csv")],
      outputs: [at("labels.csv")],
      old: [at("labels.csv")],
    },
    {
      what: "labels export",
      args: [
        "labels",
        "export",
        "--tiles",
        tiles,
        "--predictions",
        predictions,
        "--format",
        "fiftyone",
        "--out",
        at("samples.json"),
      ],
      outputs: [at("samples.json")],
      old: [at("samples.json")],
    },
  ];
}
