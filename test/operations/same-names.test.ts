/** Labels of tiles that share their file names, from training to the labels that may be wrong. */
import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { before, describe, it } from "node:test";
import { parse } from "csv-parse/sync";
import { exportLabels } from "../../src/operations/labels-export.js";
import { train } from "../../src/operations/train.js";
import { createRandom } from "../../src/random.js";
import { saveToyModel, toyPalette } from "../engine/toy.js";
import { suiteFolder } from "../helpers.js";

const WRONG = ["14/8190/3", "15/1/7"];

describe("labels of tiles that share their file names", () => {
  const root = suiteFolder();
  const set = join(root, "set");
  const labels = join(root, "labels.csv");
  const classes = join(root, "classes");
  const read = (path: string) => parse(readFileSync(path), { columns: true }) as Record<string, string>[];
  let backbone: string;

  before(async () => {
    process.env["CANOPY_CACHE"] = join(root, "cache");
    ({ backbone } = await saveToyModel(root));
    const palette = await toyPalette();
    const random = createRandom(4);
    const rows: string[] = [];
    for (const folder of ["14/8190", "14/8191", "15/1"]) {
      for (let y = 0; y < 40; y++) {
        const { jpeg, tags } = palette[random.below(palette.length)];
        write(join(set, folder, `${y}.jpg`), jpeg);
        const isWrong = WRONG.includes(`${folder}/${y}`);
        const given = isWrong ? tags.filter((tag) => tag !== "red").concat(tags.includes("red") ? [] : ["red"]) : tags;
        rows.push(`${folder}/${y},${given.join(" ")}`);
        write(
          join(classes, tags.includes("red") ? "red" : "other", `${folder.replaceAll("/", "")}-${y % 20}.jpg`),
          jpeg,
        );
      }
    }
    writeFileSync(labels, `image_name,tags\n${rows.join("\n")}\n`);
  });

  it("are found by their folders, and those that may be wrong are named with them", async () => {
    const out = join(root, "trained");
    const summary = await train({
      tiles: set,
      labels,
      backbone,
      normalisation: "raw",
      features: "last",
      size: 16,
      out,
    });
    assert.equal(summary.tiles, 120);
    const errors = read(join(out, "label-errors.csv"));
    const first = errors.slice(0, WRONG.length);
    assert.deepEqual(
      first.map((row) => row["image_name"]).sort(),
      WRONG.map((name) => `set/${name}`),
    );
    for (const row of first) assert.equal(row["path"], join(root, `${row["image_name"]}.jpg`));
    const { pictures } = JSON.parse(readFileSync(join(out, "report.json"), "utf8")) as { pictures: { name: string }[] };
    assert.equal(new Set(pictures.map(({ name }) => name)).size, pictures.length);
    const tasks = join(root, "check.csv");
    const exported = await exportLabels({
      tiles: [set],
      labels,
      only: join(out, "label-errors.csv"),
      format: "csv",
      out: tasks,
    });
    assert.equal(exported.withoutTile, 0);
    assert.deepEqual(
      new Set(read(tasks).map((row) => row["image_name"])),
      new Set(errors.map((row) => row["image_name"])),
    );
  });

  it("are those of their folders, if folders are the labels", async () => {
    const out = join(root, "by-class");
    const summary = await train({
      ...{ tiles: classes, labels: classes, backbone, normalisation: "raw", features: "last", size: 16, out },
    });
    assert.deepEqual(summary.tags, ["other", "red"]);
    assert.ok(summary.f2 > 0.95, `F2 ${summary.f2}`);
  });

  function write(path: string, bytes: Buffer): void {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, bytes);
  }
});
