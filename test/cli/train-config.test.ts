import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import { synthesize } from "../../src/operations/synth.js";
import { saveToyModel, TOY_SIZE } from "../engine/toy.js";
import { runCli, suiteFolder } from "../helpers.js";

const folder = suiteFolder();
const env = { CANOPY_CACHE: join(folder, "cache") };
const tiles = join(folder, "tiles");
let common: string[];

function run(...args: string[]): string {
  const { status, stdout, stderr } = runCli(["train", ...args], { env });
  assert.equal(status, 0, stderr);
  return stdout;
}

before(async () => {
  await synthesize({ count: 24, size: 32, out: tiles, seed: 5, workers: 1 });
  const { backbone } = await saveToyModel(folder);
  const size = ["--size", String(TOY_SIZE), "--no-store-backbone"];
  common = ["--tiles", tiles, "--labels", join(tiles, "labels.csv"), "--backbone", backbone, ...size];
});

test("a printed configuration trains the same model, and so does the one that is kept with it", () => {
  const options = [...common, "--epochs", "3", "--val", "0.25", "--beta", "1.5", "--target", "primary=recall:0.9"];
  const config = join(folder, "run.yaml");
  writeFileSync(config, run(...options, "--out", join(folder, "none"), "--print-config"));
  run(...options, "--out", join(folder, "a"));
  run("--config", config, "--out", join(folder, "b"));
  run("--config", join(folder, "a/config.yaml"), "--out", join(folder, "c"));
  for (const file of ["head.safetensors", "model.json", "config.yaml"]) {
    const content = readFileSync(join(folder, "a", file), "utf8");
    for (const other of ["b", "c"]) assert.equal(readFileSync(join(folder, other, file), "utf8"), content, file);
  }
});

test("what the command line says goes before the file, and defaults do not", () => {
  const config = join(folder, "other.json");
  const head = { optimizer: "adam", seed: 7, "batch-size": 8 };
  writeFileSync(config, JSON.stringify({ tiles, labels: "l.csv", out: "o", val: 0.3, store_backbone: false, head }));
  const print = (...args: string[]) => JSON.parse(run("--config", config, "--print-config", "--json", ...args));
  const asWritten = print();
  assert.deepEqual([asWritten.val, asWritten.store_backbone, asWritten.beta], [0.3, false, 2]);
  assert.deepEqual(asWritten.head, { optimizer: "adam", seed: 7, batch_size: 8 });
  const changed = print("--val", "0.2", "--seed", "8", "--labels", "other.csv");
  assert.deepEqual([changed.val, changed.labels, changed.head.seed, changed.head.batch_size], [0.2, "other.csv", 8, 8]);
});

test("what the file says of optimiser and fine-tuning stays, unless the command line says another", () => {
  const config = join(folder, "tuned.json");
  const options = { tiles, labels: "l.csv", out: "o" };
  const print = (file: object, ...args: string[]) => {
    writeFileSync(config, JSON.stringify({ ...options, ...file }));
    return JSON.parse(run("--config", config, "--print-config", "--json", ...args));
  };
  const file = { finetune: { epochs: 3 }, head: { optimizer: "adam" } };
  const both = print(file, "--finetune-lr", "1e-4", "--epochs", "7");
  assert.deepEqual(both.finetune, { epochs: 3, learning_rate: 1e-4 });
  assert.deepEqual([both.head.optimizer, both.head.epochs], ["adam", 7]);
  const asWritten = print(file);
  assert.deepEqual([asWritten.finetune, asWritten.head.optimizer], [{ epochs: 3 }, "adam"]);
  const other = print(file, "--no-finetune", "--optimizer", "sgd");
  assert.deepEqual([other.finetune, other.head.optimizer], [false, "sgd"]);
  const alone = print({}, "--finetune", "--epochs", "7");
  assert.deepEqual([alone.finetune, alone.head.optimizer], [{}, "rmsprop"]);
  writeFileSync(config, JSON.stringify(options));
  const { status, stderr } = runCli(["train", "--config", config, "--finetune-epochs", "4"], { env });
  assert.deepEqual([status, /--finetune-epochs has no meaning without --finetune/.test(stderr)], [2, true]);
});

test("a file that is none, an option that is none, and one that is missing are named", () => {
  const config = join(folder, "wrong.yaml");
  const fail = (content: string) => {
    writeFileSync(config, content);
    const { status, stderr } = runCli(["train", "--config", config], { env });
    assert.notEqual(status, 0);
    return stderr;
  };
  assert.match(fail("tiles: [a"), /wrong.yaml cannot be read as YAML or JSON/);
  assert.match(fail("just text"), /wrong.yaml holds no options/);
  assert.match(fail("tiles: a\nlabels: b\nout: c\nvall: 0.3"), /vall.*val/);
  assert.match(fail("tiles: a\nlabels: b"), /out/);
  assert.match(
    fail("tiles: a\ntiles: b"),
    /wrong.yaml cannot be read as YAML or JSON: the option tiles is there twice/,
  );
  assert.match(fail("tiles: &all [a]\nlabels: *all"), /wrong.yaml cannot be read as YAML or JSON: Alias/);
  assert.match(fail(`tiles: ${"a".repeat(2 ** 18)}`), /wrong.yaml cannot be read \(more than 0.25 MiB\)/);
  assert.match(fail(`tiles: ${"[".repeat(2 ** 17)}`), /wrong.yaml cannot be read as YAML or JSON/);
});
