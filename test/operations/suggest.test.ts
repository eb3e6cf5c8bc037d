import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import { parse } from "csv-parse/sync";
import sharp from "sharp";
import { InputError, InterruptedError, OptionError } from "../../src/errors.js";
import { suggest } from "../../src/operations/suggest.js";
import { saveToyModel } from "../engine/toy.js";
import { suiteFolder } from "../helpers.js";
import { encode, gradient } from "../images.js";
import { watchThreads } from "../threads.js";

const folder = suiteFolder();
process.env["CANOPY_CACHE"] = join(folder, "cache");
const tiles = join(folder, "tiles");
let model: string;
let backbone: string;

/** The toy model gives a tag where its colour is above 128: near 128 it is unsure. */
const COLOURS: Record<string, [number, number, number]> = {
  sure_black: [10, 10, 10],
  sure_white: [245, 245, 245],
  red_1: [130, 10, 10],
  red_2: [130, 11, 10],
  red_3: [130, 10, 11],
  green: [245, 127, 245],
  blue: [10, 245, 132],
};

before(async () => {
  ({ model, backbone } = await saveToyModel(folder));
  mkdirSync(tiles);
  for (const [name, [r, g, b]] of Object.entries(COLOURS)) {
    const tile = sharp({ create: { width: 16, height: 16, channels: 3, background: { r, g, b } } });
    await tile.png().toFile(join(tiles, `${name}.png`));
  }
  writeFileSync(join(tiles, "broken.png"), "no picture");
});

function options(out: string, more: object = {}) {
  return { inputs: [tiles], model, backbone, device: "cpu" as const, out: join(folder, out), count: 3, ...more };
}

test("suggests uncertain tiles of different kinds, says why, and reads features from the cache the second time", async () => {
  const summary = await suggest(options("next.csv"));
  const { suggested, tiles: looked, rejected, decoded } = summary;
  assert.deepEqual({ suggested, looked, rejected, decoded }, { suggested: 3, looked: 7, rejected: 1, decoded: 8 });
  assert.match(readFileSync(summary.rejects!, "utf8"), /broken.*FORMAT/);
  const rows = parse(readFileSync(summary.out), { columns: true }) as Record<string, string>[];
  assert.deepEqual(rows.map((row) => row["image_name"].replace(/_\d/, "")).sort(), ["blue", "green", "red"]);
  const blue = rows.find((row) => row["image_name"] === "blue")!;
  assert.equal(blue["tags"], "green blue");
  assert.equal(blue["path"], join(tiles, "blue.png"));
  assert.match(blue["reason"], /^unsure of blue 0\.53 \(given from 0\.50\), /);
  assert.match(blue["probabilities"], /^blue=0\.53/);
  const again = await suggest(options("again.csv"));
  assert.deepEqual([again.decoded, again.cached], [1, 7]); // the broken tile is looked at again
  assert.equal(readFileSync(again.out, "utf8"), readFileSync(summary.out, "utf8"));
});

test("passes over tiles that are labelled, and says so where none is left", async () => {
  const labels = join(folder, "labels.csv");
  writeFileSync(labels, "image_name,tags\nblue.png,blue\nred_1,red\n");
  const summary = await suggest(options("rest.jsonl", { labels, count: 50 }));
  assert.deepEqual([summary.labelled, summary.suggested], [2, 5]);
  const names = readFileSync(summary.out, "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line).image_name);
  assert.ok(!names.includes("blue") && !names.includes("red_1") && names.includes("red_2"), names.join());
  writeFileSync(
    labels,
    `image_name,tags\n${Object.keys(COLOURS)
      .map((name) => `${name},red\n`)
      .join("")}`,
  );
  await assert.rejects(suggest(options("none.csv", { labels })), (error: Error) => {
    assert.ok(error instanceof InputError);
    assert.match(error.message, /7 tiles are labelled in .*labels\.csv, and 1 could not be decoded/);
    return true;
  });
});

test("writes tasks with the model's tags filled in, and the labelling interface they need", async () => {
  const more = { format: "label-studio", imageUrl: "http://host/", imageRoot: folder, count: 7 };
  const summary = await suggest(options("tasks.json", more));
  const tasks = JSON.parse(readFileSync(summary.out, "utf8"));
  const blue = tasks.find((task: { data: { name: string } }) => task.data.name === "blue");
  assert.equal(blue.data.image, "http://host/tiles/blue.png");
  assert.deepEqual(blue.predictions[0].result[0].value, { choices: ["green", "blue"] });
  assert.ok(!("annotations" in blue));
  assert.match(summary.labelConfig!, /<Choice value="green"\/>/);
  const samples = await suggest(options("samples.json", { format: "fiftyone" }));
  const { classes, samples: list } = JSON.parse(readFileSync(samples.out, "utf8"));
  assert.deepEqual(classes, ["red", "green", "blue"]);
  assert.ok(list[0].filepath.startsWith(tiles) && list[0].ground_truth === null && list[0].reason !== null);
});

test("tiles that are too large or cut short are suggested only where that is allowed", async () => {
  const odd = join(folder, "odd");
  mkdirSync(odd);
  writeFileSync(join(odd, "large.png"), await encode(gradient(64, 3), 64, 3, "png"));
  const whole = await encode(gradient(24, 3), 24, 3, "jpeg");
  writeFileSync(join(odd, "cut.jpg"), whole.subarray(0, whole.length - 40));
  const suggested = async (out: string, more: object) => {
    const summary = await suggest(options(out, { inputs: [odd], ...more }));
    const rows = parse(readFileSync(summary.out), { columns: true }) as Record<string, string>[];
    return rows.map((row) => row["image_name"]).sort();
  };
  assert.deepEqual(await suggested("whole.csv", {}), ["large"]);
  assert.deepEqual(await suggested("all.csv", { onTruncated: "accept" }), ["cut", "large"]);
  assert.deepEqual(await suggested("small.csv", { onTruncated: "accept", maxPixels: 32 * 32 }), ["cut"]);
});

test("refuses an output that exists, an ending without a format, and stops when told to", async () => {
  writeFileSync(join(folder, "there.csv"), "precious");
  await assert.rejects(suggest(options("there.csv")), /exists already/);
  await assert.rejects(suggest(options("x.txt")), OptionError);
  await assert.rejects(suggest(options("x.csv", { count: 0 })), OptionError);
  await assert.rejects(suggest(options("x.csv", { maxPixels: 0 })), OptionError);
  await assert.rejects(suggest(options("x.csv"), { signal: AbortSignal.abort() }), InterruptedError);
});

test("an input that is not there leaves no thread behind", async (t) => {
  const alive = watchThreads(t);
  await assert.rejects(suggest(options("gone.csv", { inputs: [join(folder, "gone")] })), /gone does not exist/);
  assert.equal(alive.size, 0);
});
