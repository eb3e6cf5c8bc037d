import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, describe, it } from "node:test";
import { FormatError, InputError, OptionError } from "../../src/errors.js";
import type { LabelOptions } from "../../src/labels/options.js";
import { evaluate } from "../../src/operations/evaluate.js";
import { inspect } from "../../src/operations/inspect.js";
import { importLabels } from "../../src/operations/labels.js";
import { exportLabels } from "../../src/operations/labels-export.js";
import { suggest } from "../../src/operations/suggest.js";
import { train } from "../../src/operations/train.js";
import { saveToyModel, TOY_SIZE, writeToyTiles } from "../engine/toy.js";
import { suiteFolder } from "../helpers.js";

const folder = suiteFolder();
process.env["CANOPY_CACHE"] = join(folder, "cache");
const at = (name: string) => join(folder, name);
const tiles = [at("tiles")];
const PARTS = ["training", "training", "training", "valid", "test"];

/** Of the labels below nothing can be told without these. */
const OPTIONS: LabelOptions = { labelColumns: ["image", "cover"], tagSeparator: "/" };
const labels = at("labels.csv");
let truth: Map<string, string[]>;
let toy: { model: string; backbone: string };

/** Labels whose tags are in one of two columns that look alike; `change` makes others of some. */
function writeLabels(path: string, change = (tags: string[], _part: string) => tags, parts = PARTS): string {
  const rows = [...truth].map(([name, tags], i) => {
    const part = parts[i % parts.length];
    return `${name}.png,region${i},${change(tags, part).join("/")},${part}`;
  });
  writeFileSync(path, ["image,region,cover,part", ...rows, ""].join("\n"));
  return path;
}

function told(): { notices: string[]; warnings: string[]; onNotice(m: string): void; onWarning(m: string): void } {
  const [notices, warnings]: string[][] = [[], []];
  return { notices, warnings, onNotice: (m) => notices.push(m), onWarning: (m) => warnings.push(m) };
}

before(async () => {
  truth = await writeToyTiles(at("tiles"), 60, 4);
  toy = await saveToyModel(folder);
  writeLabels(labels);
});

describe("evaluate", () => {
  const scoring = (more: object = {}) => ({ ...toy, tiles, labels, device: "cpu" as const, ...OPTIONS, ...more });

  it("reads labels as it is told, and says how it read them", async () => {
    const context = told();
    const summary = await evaluate(scoring(), context);
    assert.deepEqual([summary.tiles, summary.labels.tagColumns], [60, ["cover"]]);
    assert.deepEqual(summary.unknownTags, []);
    assert.match(context.notices.join("\n"), /csv; names in "image", tags in "cover", separated by \/;.* 3 tags on 60/);
    await assert.rejects(
      evaluate(scoring({ labelColumns: undefined })),
      /"region" or "cover".*`labelColumns: \["image", "region"\]`/,
    );
    await assert.rejects(evaluate(scoring({ labelFormat: "coco" })), FormatError);
  });

  it("scores the tiles for testing, or those for validation where there are none", async () => {
    const context = told();
    const summary = await evaluate(scoring({ split: "part" }), context);
    assert.deepEqual([summary.tiles, summary.labels.parts], [12, { train: 36, val: 12, test: 12 }]);
    assert.match(context.notices.join("\n"), /Tiles used are those for test; 36 for train and 12 for val are left out/);
    const untested = writeLabels(at("untested.csv"), undefined, ["train", "train", "dev"]);
    assert.equal((await evaluate(scoring({ split: "part", labels: untested }))).tiles, 20);
    const trained = writeLabels(at("trained.csv"), undefined, ["train"]);
    await assert.rejects(evaluate(scoring({ split: "part", labels: trained })), /no tiles for test or val/);
    await assert.rejects(evaluate(scoring({ split: "region" })), /line 2: the column "region" holds "region0"/);
  });

  it("says which tags the model does not know, and on how many tiles, and fails where it knows none", async () => {
    const context = told();
    const some = writeLabels(at("some.csv"), (tags) => tags.map((tag) => (tag === "red" ? "crimson" : tag)));
    const summary = await evaluate(scoring({ labels: some }), context);
    const reds = [...truth.values()].filter((tags) => tags.includes("red")).length;
    assert.deepEqual(summary.unknownTags, [{ tag: "crimson", tiles: reds }]);
    assert.match(
      context.warnings.join("\n"),
      new RegExp(`does not know 1 of the 3 tags .* on ${reds} of 60 tiles: crimson`),
    );
    const none = writeLabels(at("none.csv"), (tags) => tags.map((tag) => `${tag}ish`));
    await assert.rejects(evaluate(scoring({ labels: none })), (error) => {
      return error instanceof InputError && /knows none of the 3 tags/.test(error.message);
    });
  });
});

describe("train with split", () => {
  const training = (out: string, more: object = {}) => {
    const { backbone } = toy;
    const base = { tiles, labels, out: at(out), backbone, normalisation: "unit" as const, size: TOY_SIZE };
    return { ...base, device: "cpu" as const, ...OPTIONS, split: "part", overwrite: true, ...more };
  };
  const hashOf = (out: string) => {
    return createHash("sha256")
      .update(readFileSync(join(at(out), "head.safetensors")))
      .digest("hex");
  };

  it("trains on one part, holds out the second and leaves out the third", async () => {
    const summary = await train(training("trained"));
    assert.deepEqual([summary.tiles, summary.holdOut?.tiles], [48, 12]);
    const changed = (which: string) => (tags: string[], part: string) => (part === which ? ["red"] : tags);
    for (const [part, same] of [
      ["valid", true],
      ["test", true],
      ["training", false],
    ] as const) {
      const path = writeLabels(at(`${part}.csv`), changed(part));
      const other = await train(training(part, { labels: path }));
      assert.equal(hashOf(part) === hashOf("trained"), same, part);
      assert.equal(other.holdOut?.f2 === summary.holdOut?.f2, part === "test", part);
    }
  });

  it("does so with features on disk, too", async () => {
    const head = { optimizer: "adam" as const, epochs: 2 };
    const summary = await train(training("disk", { head, memory: 1000 }));
    assert.deepEqual([summary.tiles, summary.holdOut?.tiles], [48, 12]);
    const path = writeLabels(at("disk.csv"), (tags, part) => (part === "valid" ? ["red"] : tags));
    await train(training("disk-2", { head, memory: 1000, labels: path }));
    const [weights, others] = ["disk", "disk-2"].map((out) => readFileSync(join(at(out), "history.csv"), "utf8"));
    const losses = (history: string) => history.split("\n").map((line) => line.split(",")[1]);
    assert.deepEqual(losses(weights), losses(others));
  });

  it("holds out a share where the column has nothing for validation", async () => {
    const path = writeLabels(at("unvalidated.csv"), undefined, ["train", "test"]);
    const summary = await train(training("share", { labels: path, val: 0.2 }));
    assert.deepEqual([summary.tiles, summary.holdOut?.tiles], [30, 6]);
  });
});

it("inspect tells how labels were read, their parts and their doubts", async () => {
  const report = await inspect({ inputs: tiles, labels, ...OPTIONS, split: "part", workers: 1 });
  assert.deepEqual(report.labels?.recognised.parts, { train: 36, val: 12, test: 12 });
  assert.equal(report.labels?.rowsWithTiles, 60);
  writeFileSync(at("doubtful.csv"), "image,tags\ntile_000000,red\ntile_000001,Red blue\n,blue\ntile_000002,nan\n");
  const doubtful = await inspect({ inputs: tiles, labels: at("doubtful.csv"), workers: 1 });
  const codes = ["EMPTY_NAMES", "SINGLE_TILE_TAGS", "SPELLINGS", "UNLABELLED"];
  assert.deepEqual(doubtful.labels?.doubts.map(({ code }) => code).sort(), codes);
  assert.ok(codes.every((code) => doubtful.problems.some((problem) => problem.code === code)));
});

it("suggest passes over what the labels name, read as it is told", async () => {
  const asking = { inputs: tiles, ...toy, labels, out: at("next.csv"), device: "cpu" as const };
  await assert.rejects(suggest(asking), /`labelColumns: \["image", "region"\]`/);
  await assert.rejects(suggest({ ...asking, ...OPTIONS }), /no tile to suggest: 60 tiles are labelled/);
});

it("options on labels are refused where there are no labels", async () => {
  const wrong = { name: "OptionError", message: /`tagSeparator` says how label files are read: give `labels`/ };
  const options = { tagSeparator: "/", out: at("unwritten.csv"), device: "cpu" as const };
  await assert.rejects(inspect({ inputs: tiles, tagSeparator: "/", workers: 1 }), wrong);
  await assert.rejects(suggest({ inputs: tiles, ...toy, ...options }), wrong);
  await assert.rejects(exportLabels({ tiles, tagSeparator: "/", out: at("unwritten.csv"), format: "csv" }), wrong);
});

describe("import and export", () => {
  const csv = () => [...truth].map(([name, tags]) => `${name},${tags.join(" ")}`);
  /** Rows of a plain CSV, the tags of each in order. */
  const sorted = (rows: string[]) =>
    rows.map((row) => row.replace(/,.*/, (tags) => tags.slice(1).split(" ").sort().join())).sort();

  it("import reads as it is told, and writes the plain CSV", async () => {
    const out = at("plain.csv");
    await assert.rejects(importLabels({ file: labels, out }), /`labelColumns: \["image", "region"\]`/);
    const summary = await importLabels({ file: labels, out, ...OPTIONS });
    assert.deepEqual([summary.tiles, summary.recognised.separator], [60, "/"]);
    assert.deepEqual(readFileSync(out, "utf8").trim().split("\n"), ["image_name,tags", ...csv()]);
  });

  for (const format of ["csv", "multi-hot", "jsonl", "label-studio", "fiftyone"] as const) {
    it(`what is exported as ${format} comes back the same`, async () => {
      const out = at(
        `${format}.${format.length > 5 && format !== "multi-hot" ? "json" : format === "jsonl" ? "jsonl" : "csv"}`,
      );
      await exportLabels({ tiles, labels, out, format, ...OPTIONS });
      await importLabels({ file: out, out: at("back.csv"), overwrite: true });
      assert.deepEqual(sorted(readFileSync(at("back.csv"), "utf8").trim().split("\n").slice(1)), sorted(csv()));
    });
  }

  it("tables need no tiles, and name pictures where they are", async () => {
    const summary = await exportLabels({ labels, out: at("alone.csv"), format: "multi-hot", ...OPTIONS });
    assert.deepEqual([summary.tiles, summary.labelled], [60, 60]);
    const [header, first] = readFileSync(at("alone.csv"), "utf8").split("\n");
    assert.equal(header, "image_name,blue,green,red");
    assert.match(first, /^tile_000000,[01],[01],[01]$/);
    await exportLabels({ tiles, labels, out: at("metadata.jsonl"), format: "jsonl", ...OPTIONS });
    const line = JSON.parse(readFileSync(at("metadata.jsonl"), "utf8").split("\n")[0]);
    assert.equal(line.file_name, "tiles/tile_000000.jpg");
    await assert.rejects(exportLabels({ labels, out: at("x.json"), format: "fiftyone", ...OPTIONS }), OptionError);
  });
});
