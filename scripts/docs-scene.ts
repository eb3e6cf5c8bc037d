/** A folder that has what the pages' snippets speak of, made by canopy from generated tiles. */
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Shell, shellIn } from "./docs-shell.js";
import { ROOT } from "./pages.js";

const TILES = 48;
const LABELLED = 40;

/** Sets of tiles that pages speak of. */
const SETS = ["train-jpg", "test-jpg", "val-jpg", "all-jpg", "all-png", "tiles-png", "unlabelled"];
const LABELS = ["train.csv", "train_v2.csv", "test.csv", "val.csv", "labels.csv", "labels-2.csv", "labels-3.csv"];
const MODELS = ["my-model", "models/amazon", "model-2", "tuned"];

/** Fills `folder`, which must be there, and returns the shell that works in it. */
export async function makeScene(folder: string): Promise<Shell> {
  const at = (name: string) => join(folder, name);
  mkdirSync(at("node_modules"));
  symlinkSync(ROOT, at("node_modules/canopy-tagger"), "junction");
  for (const name of ["@types", "undici-types"]) {
    symlinkSync(join(ROOT, "node_modules", name), at(`node_modules/${name}`), "junction");
  }
  writeFileSync(at("package.json"), '{ "name": "scene", "type": "module" }\n');
  const shell = shellIn(folder);
  await shell(`canopy synth --count ${TILES} --size 96 --out tiles`);
  for (const name of SETS) cpSync(at("tiles"), at(name), { recursive: true });
  // Some tiles have no label, so that there are tiles to suggest.
  const labels = readFileSync(at("tiles/labels.csv"), "utf8")
    .split("\n")
    .slice(0, 1 + LABELLED)
    .join("\n");
  for (const name of LABELS) writeFileSync(at(name), `${labels}\n`);
  for (const [copy, tile] of [
    ["tile.jpg", 0],
    ["another.png", 1],
  ] as const) {
    cpSync(at(`tiles/synth_${tile}.jpg`), at(copy));
  }
  await shell("canopy train --tiles tiles --labels labels.csv --out model --size 64 --features last --l2 1");
  mkdirSync(at("models"));
  for (const name of MODELS) cpSync(at("model"), at(name), { recursive: true });
  await makeFiles(shell, at);
  return shell;
}

/** Archives, label files of others, predictions. */
async function makeFiles(shell: Shell, at: (name: string) => string): Promise<void> {
  await shell("canopy synth --count 8 --size 96 --tar --per-tar 4 --out shards");
  cpSync(at("shards"), at("tars"), { recursive: true });
  for (const name of ["more.tar", "set.tar"]) cpSync(at("shards/tiles-00000.tar"), at(name));
  const labelled = "canopy labels export --labels labels.csv";
  for (const out of ["export.json", "export-2.json"]) {
    await shell(`${labelled} --tiles tiles --format label-studio --out ${out}`);
  }
  await shell(`${labelled} --format multi-hot --out _classes.csv`);
  await shell("canopy predict tiles --model model --out tags.jsonl --probabilities");
  for (const shard of [1, 2]) {
    await shell(`canopy predict tiles --model model --out tags-${shard}.csv --shard ${shard}/2`);
  }
  for (const [i, month] of ["may", "june"].entries()) {
    await shell(`canopy predict shards/tiles-0000${i}.tar --model model --out ${month}.jsonl`);
  }
  // A tile that could not be read, and can be now.
  await shell(
    'printf "%s\\n" tiles/synth_0.jpg late.jpg > some.txt && canopy predict @some.txt --model model --out tags.csv',
  );
  cpSync(at("tile.jpg"), at("late.jpg"));
  await shell("zstd -q set.tar || true");
  cpSync(join(ROOT, "models/canopy.onnx"), at("resnet50.onnx"));
}
