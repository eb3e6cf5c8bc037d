/** Models compared on tiles of one color each, which the toy model tags by their brightest channel. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import { fileURLToPath } from "node:url";
import sharp from "sharp";
import { compare } from "../../src/operations/compare.js";
import { evaluate } from "../../src/operations/evaluate.js";
import { saveToyModel } from "../engine/toy.js";
import { suiteFolder } from "../helpers.js";
import { encode, gradient } from "../images.js";

const MAIN = fileURLToPath(new URL("../../src/cli/main.js", import.meta.url));
const folder = suiteFolder();
process.env["CANOPY_CACHE"] = join(folder, "cache");
const tiles = join(folder, "tiles");
const labels = join(folder, "labels.csv");
let good: string;
let eager: string;

async function plain(name: string, [r, g, b]: readonly [number, number, number]) {
  await sharp({ create: { width: 16, height: 16, channels: 3, background: { r, g, b } } })
    .png()
    .toFile(join(tiles, `${name}.png`));
}

/** A copy of a model with something changed in its `model.json`. */
function changed(model: string, name: string, change: (json: Record<string, unknown>) => void): string {
  const copy = join(folder, name);
  cpSync(model, copy, { recursive: true });
  const path = join(copy, "model.json");
  const json = JSON.parse(readFileSync(path, "utf8"));
  change(json);
  writeFileSync(path, JSON.stringify(json));
  return copy;
}

before(async () => {
  const toy = await saveToyModel(folder);
  // A model in a folder of its own, so that no `backbone` is needed.
  good = join(folder, "good");
  cpSync(toy.model, good, { recursive: true });
  cpSync(toy.backbone, join(good, "backbone.onnx"));
  mkdirSync(tiles);
  const rows = ["image_name,tags"];
  for (let i = 0; i < 8; i++) {
    await plain(`red${i}`, [200, 10, 10 + i]);
    await plain(`green${i}`, [10, 130, 10 + i]);
    rows.push(`red${i},red`, `green${i},green`);
  }
  writeFileSync(labels, `${rows.join("\n")}\n`);
  eager = changed(good, "eager", (json) => {
    json["thresholds"] = [0, 0, 0];
  });
});

const both = () => ({ tiles: [tiles], labels, models: [good, eager], device: "cpu" }) as const;

test("each model is scored as by evaluate, and set against the first", async () => {
  const { models, tiles: count, scoredTags } = await compare(both());
  const alone = await Promise.all(
    [good, eager].map((model) => evaluate({ tiles: [tiles], labels, model, device: "cpu" })),
  );
  assert.equal(count, 16);
  assert.deepEqual(scoredTags, ["red", "green", "blue"]);
  for (const key of ["f2", "f2Interval", "map", "microF1", "macroF1", "binaryAccuracy", "perTag"] as const) {
    assert.deepEqual(
      models.map((each) => each[key]),
      alone.map((each) => each[key]),
      key,
    );
  }
  // All right, against one tag of three: 5 x 1 / (4 x 1 + 3) on each tile, so that no resample differs.
  assert.equal(models[0].f2, 1);
  assert.equal(models[0].f2Difference, null);
  const difference = 5 / 7 - 1;
  const { f2Difference, f2DifferenceInterval } = models[1];
  for (const value of [f2Difference, ...(f2DifferenceInterval ?? [])]) {
    assert.ok(Math.abs((value as number) - difference) < 1e-9, `${value}`);
  }
});

test("a tag that one model does not know is left out of both scores, and told", async () => {
  const warnings: string[] = [];
  const other = changed(good, "renamed", (json) => {
    const text = JSON.stringify(json).replaceAll('"blue"', '"violet"');
    for (const key of Object.keys(json)) delete json[key];
    Object.assign(json, JSON.parse(text));
  });
  const { scoredTags, leftOutTags, models } = await compare(
    { ...both(), models: [eager, other] },
    { onWarning: (text) => warnings.push(text) },
  );
  assert.deepEqual(
    [scoredTags, leftOutTags],
    [
      ["red", "green"],
      ["blue", "violet"],
    ],
  );
  // Of the eager model two tags count now: 5 / (4 + 2).
  assert.ok(Math.abs(models[0].f2 - 5 / 6) < 1e-9, `${models[0].f2}`);
  assert.ok(warnings.some((text) => /not every model knows them: blue, violet/.test(text)));
});

test("tiles are scored that every model can read", async () => {
  await plain("dark", [90, 10, 10]);
  writeFileSync(join(tiles, "bad.png"), "no picture");
  writeFileSync(join(folder, "more.csv"), `${readFileSync(labels, "utf8")}soft,green\nbad,red\n`);
  writeFileSync(join(tiles, "bad.png"), "no picture");
  writeFileSync(join(tiles, "soft.jpg"), await encode(gradient(16, 3), 16, 3, "jpeg"));
  const strict = changed(good, "strict", (json) => {
    (json["preprocessing"] as { colorspace: string }).colorspace = "cmyk";
  });
  const warnings: string[] = [];
  const { tiles: count, rejected } = await compare(
    { ...both(), models: [good, strict], labels: join(folder, "more.csv") },
    { onWarning: (text) => warnings.push(text) },
  );
  assert.deepEqual([count, rejected], [16, 2]);
  assert.equal(warnings.filter((text) => /rejected/.test(text)).length, 1, warnings.join("\n"));
});

test("what all models would warn of is told once", async () => {
  const fewer = join(folder, "fewer.csv");
  writeFileSync(fewer, readFileSync(labels, "utf8").replace("red0,red\n", ""));
  const warnings: string[] = [];
  await compare({ ...both(), labels: fewer }, { onWarning: (text) => warnings.push(text) });
  assert.equal(warnings.filter((text) => /no label/.test(text)).length, 1, warnings.join("\n"));
});

test("one model, or models without a common tag, cannot be compared", async () => {
  await assert.rejects(compare({ ...both(), models: [good] }), /two or more `models`/);
  const other = changed(good, "foreign", (json) => {
    const text = ["red", "green", "blue"].reduce(
      (all, tag) => all.replaceAll(`"${tag}"`, `"not-${tag}"`),
      JSON.stringify(json),
    );
    for (const key of Object.keys(json)) delete json[key];
    Object.assign(json, JSON.parse(text));
  });
  writeFileSync(join(folder, "both.csv"), `${readFileSync(labels, "utf8")}`.replace("red0,red", "red0,red not-red"));
  await assert.rejects(
    compare({ ...both(), models: [good, other], labels: join(folder, "both.csv") }),
    /no tag in common/,
  );
});

test("on the command line --model is given twice; --backbone belongs to one model", () => {
  const run = (...more: string[]) =>
    spawnSync(process.execPath, [MAIN, "evaluate", "--tiles", tiles, "--labels", labels, "--model", good, ...more], {
      encoding: "utf8",
    });
  const { stdout, status } = run("--model", eager, "--json");
  assert.equal(status, 0);
  assert.deepEqual(
    JSON.parse(stdout).models.map(({ model, f2 }: { model: string; f2: number }) => [model, f2.toFixed(3)]),
    [
      [good, "1.000"],
      [eager, "0.714"],
    ],
  );
  const table = run("--model", eager);
  assert.match(table.stdout, /eager.* -0\.286 \(-0\.286 to -0\.286\)/);
  assert.match(table.stdout, /eager is worse than the first/);
  const refused = run("--model", eager, "--backbone", "x.onnx");
  assert.equal(refused.status, 2);
  assert.match(refused.stderr, /--backbone is for one --model/);
});
