/** Every command that leaves files, and which files: for tests of what happens to outputs. */
import { cpSync } from "node:fs";
import { join } from "node:path";
import { type Inputs, trainArguments } from "./output-inputs.js";

export interface OutputCommand {
  what: string;
  args: string[];
  /** Paths of what it leaves. */
  outputs: string[];
  /** Those that stand for an older output, to be replaced with `--overwrite`. */
  old: string[];
  /** `--resume` goes on after a failure, also one under `--overwrite`. */
  resumes?: boolean;
  /** Its files take their places one by one, so that a failure leaves some of them new. */
  oneByOne?: boolean;
  /** Replaces an older output without being told to. */
  replaces?: boolean;
  env?: Record<string, string>;
  /** Puts what it reads beside what it writes. */
  prepare?: () => void;
}

const MODEL_FILES = ["model.json", "head.safetensors", "history.csv", "config.yaml", "training-tiles.bin"];
const REPORT_FILES = ["report.json", "report.html", "label-errors.csv", "summary.json"];

/** The words of `command` to replace older outputs. */
export function overwriting({ args, replaces = false }: OutputCommand): string[] {
  return replaces ? args : [...args, "--overwrite"];
}

/** The commands, writing into `into`. */
export function outputCommands(inputs: Inputs, into: string): OutputCommand[] {
  return [...onTiles(inputs, into), ...onModels(inputs, into), ...onOutputs(inputs, into)];
}

/** Other forms of some of them, which write by the same means. */
export function otherForms(inputs: Inputs, into: string): OutputCommand[] {
  const { tiles, labels, convolutions } = inputs;
  const at = (name: string) => join(into, name);
  const learn = ["--finetune", "--finetune-epochs", "2", "--normalisation", "unit", "--tensorboard", at("events")];
  return [
    predict(inputs, at("tags.jsonl")),
    embed(inputs, at("embeddings.parquet")),
    suggest(inputs, at("next.jsonl")),
    suggest(inputs, at("tasks.json")),
    ...["csv", "label-studio"].map((format) => labelsExport(inputs, format, at(`exported.${format}`))),
    {
      what: "train --finetune",
      args: [...trainArguments({ tiles, labels, backbone: convolutions }, at("tuned")), "--device", "cpu", ...learn],
      // Its configuration says where the events are.
      outputs: [...MODEL_FILES, "backbone.onnx", ...REPORT_FILES]
        .filter((name) => name !== "config.yaml")
        .map((name) => at(`tuned/${name}`)),
      old: [at("tuned/model.json")],
      resumes: true,
    },
  ];
}

function onTiles(inputs: Inputs, into: string): OutputCommand[] {
  const { tiles } = inputs;
  const at = (name: string) => join(into, name);
  const synth = ["synth", "--count", "8", "--size", "32", "--workers", "1"];
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
      oneByOne: true,
    },
    {
      what: "index",
      args: ["index", inputs.tars, "--out", at("indexes")],
      outputs: [0, 1].map((i) => at(`indexes/tiles-0000${i}.tar.index.jsonl`)),
      old: [at("indexes/tiles-00001.tar.index.jsonl")],
    },
    ...["tags.csv", "tags.parquet"].map((name) => predict(inputs, at(name))),
    embed(inputs, at("embeddings.jsonl")),
    suggest(inputs, at("next.csv")),
  ];
}

function onModels(inputs: Inputs, into: string): OutputCommand[] {
  const { tiles, trained, quantizable, backbone } = inputs;
  const at = (name: string) => join(into, name);
  return [
    {
      what: "train",
      args: trainArguments(inputs, at("model")),
      outputs: [...[...MODEL_FILES, ...REPORT_FILES].map((name) => at(`model/${name}`)), at("model.rejects.jsonl")],
      old: [at("model/model.json")],
      resumes: true,
    },
    {
      what: "quantize",
      args: ["quantize", quantizable, "--tiles", tiles, "--workers", "1", "--device", "cpu", "--out", at("int8")],
      outputs: [...MODEL_FILES.slice(0, 3), "backbone.onnx"].map((name) => at(`int8/${name}`)),
      old: [at("int8/model.json")],
    },
    {
      what: "report",
      args: ["report", at("reported")],
      prepare: () => {
        cpSync(trained, at("reported"), { recursive: true, filter: (path) => !path.endsWith("report.html") });
      },
      outputs: [at("reported/report.html")],
      old: [at("reported/report.html")],
      replaces: true,
    },
    {
      what: "export",
      args: ["export", ...tagged(inputs), "--out", at("model.onnx")],
      outputs: [at("model.onnx")],
      old: [at("model.onnx")],
    },
    {
      what: "models import",
      args: ["models", "import", backbone, "--name", "toy"],
      outputs: [at("cache/models/toy.onnx"), at("cache/models/toy.json")],
      old: [],
      env: { CANOPY_CACHE: at("cache") },
    },
  ];
}

function onOutputs(inputs: Inputs, into: string): OutputCommand[] {
  const at = (name: string) => join(into, name);
  const [merged, labels] = [at("merged.jsonl"), at("labels.csv")];
  return [
    {
      what: "merge",
      args: ["merge", ...inputs.shards, "--out", merged],
      outputs: ofRun(merged),
      old: ofRun(merged),
    },
    {
      what: "labels import",
      args: ["labels", "import", inputs.labelStudio, "--out", labels],
      outputs: [labels],
      old: [labels],
    },
    labelsExport(inputs, "fiftyone", at("samples.json")),
  ];
}

const tagged = ({ model, backbone }: Inputs) => ["--model", model, "--backbone", backbone];
const ofRun = (out: string) => [out, `${out}.rejects.jsonl`, `${out}.manifest.json`];

function predict(inputs: Inputs, out: string): OutputCommand {
  return bulkRun("predict", out, ["predict", inputs.tiles, ...tagged(inputs), "--probabilities"]);
}

function embed(inputs: Inputs, out: string): OutputCommand {
  return bulkRun("embed", out, ["embed", inputs.tiles, ...tagged(inputs)]);
}

function bulkRun(name: string, out: string, words: string[]): OutputCommand {
  const args = [...words, "--out", out];
  return { what: `${name} to ${endOf(out)}`, args, outputs: ofRun(out), old: ofRun(out), resumes: true };
}

function suggest(inputs: Inputs, out: string): OutputCommand {
  const args = ["suggest", inputs.tiles, ...tagged(inputs), "--count", "3", "--out", out];
  return { what: `suggest ${endOf(out)}`, args, outputs: [out, `${out}.rejects.jsonl`], old: [out] };
}

function labelsExport({ tiles, predictions }: Inputs, format: string, out: string): OutputCommand {
  const words = ["labels", "export", "--tiles", tiles, "--predictions", predictions];
  const args = [...words, "--format", format, "--out", out];
  return { what: `labels export ${format}`, args, outputs: [out], old: [out] };
}

/** As messages of tests name an output. */
function endOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}
