/** Hostile models and networks. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, existsSync, readFileSync, rmSync, statSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { decodeModel, encodeModel } from "../../src/onnx/proto.js";
import { REFUSED } from "../onnx/kinds-refused.js";
import type { Attack, Command, Given } from "./attack.js";

type Json = {
  thresholds: number[];
  card: Record<string, unknown> & { input: Record<string, unknown> };
  files: Record<string, string>;
};

/** `predict` with a copy of the good model that `spoil` has spoilt. */
function predict(given: Given, spoil: (model: string, json: Json) => void, name = "model"): Command {
  const model = join(given.folder, name);
  cpSync(given.model, model, { recursive: true });
  const path = join(model, "model.json");
  const json = JSON.parse(readFileSync(path, "utf8")) as Json;
  spoil(model, json);
  const found = statSync(path);
  if (found.isFile() && found.size < 1e6) writeFileSync(path, JSON.stringify(json));
  const out = join(given.folder, "out.csv");
  return { args: ["predict", given.tiles, "--model", model, "--workers", "1", "--out", out] };
}

function replaceByPipe(model: string): void {
  rmSync(join(model, "model.json"));
  spawnSync("mkfifo", [join(model, "model.json")]);
}

function noOutput({ folder }: Given): void {
  assert.ok(!existsSync(join(folder, "out.csv")));
}

function importing({ folder }: Given, bytes: Uint8Array): Command {
  const path = join(folder, "net.onnx");
  writeFileSync(path, bytes);
  return { args: ["models", "import", path, "--name", "net"] };
}

const refused = (kind: string) => REFUSED.find(({ name }) => name === kind)?.model as Uint8Array;
const ENDLESS = refused("a loop without end");
const UNKNOWN = refused("an operator nobody knows");

export const MODELS: readonly Attack[] = [
  {
    what: "head whose weights are NaN",
    happens: "refused in a sentence, and no output",
    megabytes: 300,
    seconds: 10,
    make: (given) =>
      predict(given, (model, { files }) => {
        const path = join(model, "head.safetensors");
        const head = readFileSync(path);
        // Bits that are all ones are no number.
        head.fill(0xff, 8 + Number(head.readBigUInt64LE(0)));
        writeFileSync(path, head);
        files["head"] = createHash("sha256").update(head).digest("hex");
      }),
    status: 1,
    says: /finite/,
    check: noOutput,
  },
  {
    what: "card with a standard deviation of 0, a mean of 1e308, or thresholds that are none",
    happens: "refused in a sentence, and no output",
    megabytes: 300,
    seconds: 10,
    make: (given) => [
      predict(given, (_, { card }) => Object.assign(card.input, { std: [0, 1, 1] }), "std"),
      predict(given, (_, { card }) => Object.assign(card.input, { mean: [1e308, 0, 0] }), "mean"),
      predict(given, (_, json) => Object.assign(json, { thresholds: json.thresholds.map(() => "NaN") }), "thresholds"),
    ],
    status: 1,
    says: /model\.json .*(std|mean|thresholds)/,
    check: noOutput,
  },
  {
    what: "card whose network is `/dev/zero`, or a link out of the model's folder",
    happens: "refused: a model reads regular files in its own folder",
    megabytes: 300,
    seconds: 10,
    make: (given) => [
      predict(given, (_, { card }) => Object.assign(card, { file: "/dev/zero" }), "device"),
      predict(
        given,
        (model) => {
          rmSync(join(model, "toy.onnx"));
          symlinkSync("/dev/zero", join(model, "toy.onnx"));
        },
        "link",
      ),
    ],
    status: 1,
    says: /toy\.onnx is a link, which may lead out of the model's folder|that the model was trained on is not in/,
  },
  {
    what: "model.json of more than 256 MiB, or a pipe",
    happens: "refused without reading it",
    megabytes: 300,
    seconds: 10,
    make: (given) => [
      predict(given, (model) => truncateSync(join(model, "model.json"), 257 << 20), "large"),
      predict(given, replaceByPipe, "pipe"),
    ],
    status: 1,
    says: /cannot read .*model\.json/,
  },
  {
    what: "network that never ends",
    happens: "tried out in a process of its own for at most two minutes; an interrupt ends it at once",
    megabytes: 600,
    seconds: 60,
    make: (given) => ({
      ...importing(given, ENDLESS),
      signal: { name: "SIGTERM", when: (stderr) => stderr.includes("Warning: Nothing says") },
    }),
    status: 130,
    says: /Interrupted/,
  },
  {
    what: "network whose names and metadata have escape characters",
    happens: "they are printed as codes, if at all",
    megabytes: 600,
    seconds: 20,
    make: (given) => {
      const network = decodeModel(UNKNOWN, "net.onnx");
      const steering = "\u001b]0;title\u0007\u202e";
      network.producerName = steering;
      network.graph.name = steering;
      const made = new Set(network.graph.node.flatMap(({ output }) => output));
      const spoilt = (names: string[]) => names.map((name) => (made.has(name) ? name + steering : name));
      for (const node of network.graph.node) {
        Object.assign(node, { name: steering, input: spoilt(node.input), output: spoilt(node.output) });
      }
      for (const output of network.graph.output) output.name += steering;
      return importing(given, encodeModel(network));
    },
    status: 1,
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
    says: /^[^\u001b\u0007\u202e]*\\u001b\]0;title\\u0007\\u202e[^\u001b\u0007\u202e]*$/,
  },
];
