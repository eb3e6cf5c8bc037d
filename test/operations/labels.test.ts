import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { beforeEach, describe, it } from "node:test";
import { labelConfig } from "../../src/curation/label-studio.js";
import { FormatError, InputError, OptionError } from "../../src/errors.js";
import { importLabels } from "../../src/operations/labels.js";
import { exportLabels } from "../../src/operations/labels-export.js";
import { runCli, suiteFolder } from "../helpers.js";

const root = suiteFolder();
let folder: string;
let runs = 0;
const CSV = "image_name,tags\nb_2,clear primary\na_1,haze\nc 3%,clear road water\n";

beforeEach(() => {
  folder = join(root, String(runs++));
  mkdirSync(join(folder, "tiles"), { recursive: true });
  for (const name of ["a_1.jpg", "b_2.jpg", "c 3%.png", "unlabelled.jpg"])
    writeFileSync(join(folder, "tiles", name), "");
  writeFileSync(join(folder, "labels.csv"), CSV);
});

const at = (name: string) => join(folder, name);
const read = (name: string) => readFileSync(at(name), "utf8");
const rowsOf = (csv: string) => csv.trim().split("\n").slice(1).sort();

function exporting(more: object = {}) {
  const given = {
    tiles: [at("tiles")],
    labels: at("labels.csv"),
    out: at("out.json"),
    format: "label-studio" as const,
  };
  return exportLabels({ ...given, ...more });
}

function importing(json: unknown, more: object = {}, warnings: string[] = []) {
  writeFileSync(at("export.json"), typeof json === "string" ? json : JSON.stringify(json));
  const onWarning = (message: string) => warnings.push(message);
  return importLabels({ file: at("export.json"), out: at("imported.csv"), ...more }, { onWarning });
}

/** A task as Label Studio exports it. */
function task(image: string, ...annotations: object[]) {
  return { id: 7, data: { image }, annotations, predictions: [{ result: [chosen("model")] }] };
}

function chosen(...choices: string[]) {
  return { id: "x", type: "choices", from_name: "tags", to_name: "image", value: { choices } };
}

describe("labels", () => {
  for (const format of ["label-studio", "fiftyone"] as const) {
    it(`come back from ${format} as they went out`, async () => {
      const summary = await exporting({ format });
      assert.deepEqual([summary.tiles, summary.labelled, summary.predicted, summary.withoutTile], [3, 3, 0, 0]);
      const { tiles, added } = await importLabels({ file: at("out.json"), out: at("back.csv") });
      assert.deepEqual([tiles, added], [3, 3]);
      assert.deepEqual(rowsOf(read("back.csv")), rowsOf(CSV));
    });
  }

  it("go out with predictions, only the tiles named, in their order", async () => {
    writeFileSync(
      at("tags.jsonl"),
      '{"image_name":"b_2","path":"x","tags":["road"],"probabilities":{"road":0.75,"haze":0.1}}\n',
    );
    writeFileSync(at("label-errors.csv"), "image_name,tag\nc 3%,road\nb_2,clear\nc 3%,water\ngone,haze\n");
    const more = { predictions: at("tags.jsonl"), only: at("label-errors.csv"), format: "fiftyone" as const };
    const summary = await exporting(more);
    assert.deepEqual([summary.tiles, summary.predicted, summary.withoutTile], [2, 1, 1]);
    const { classes, samples } = JSON.parse(read("out.json"));
    assert.deepEqual(classes, ["clear", "haze", "primary", "road", "water"]);
    assert.deepEqual(
      samples.map((sample: { name: string }) => sample.name),
      ["c 3%", "b_2"],
    );
    assert.deepEqual(samples[1].predictions, [{ label: "road", confidence: 0.75 }]);
    writeFileSync(at("tags.csv"), "image_name,tags,road,haze\nb_2,road,0.75,0.1\n");
    await exporting({ ...more, predictions: at("tags.csv"), overwrite: true });
    assert.deepEqual(JSON.parse(read("out.json")).samples, samples);
  });

  it("go out with what label-errors.csv doubts, for people to see", async () => {
    const rows = "c 3%,x,road,0,0.91,0.91,\nb_2,x,clear,1,0.04,0.96,\nc 3%,x,water,1,0.2,0.8,\n";
    writeFileSync(at("label-errors.csv"), `image_name,path,tag,given,probability,score,tags\n${rows}`);
    const only = at("label-errors.csv");
    const summary = await exporting({ only, imageRoot: folder });
    assert.match(summary.labelConfig ?? "", /<Header value="\$doubts"\/>/);
    const tasks = JSON.parse(read("out.json")).map(({ data }: { data: { doubts: string } }) => data.doubts);
    assert.deepEqual(tasks, [
      "road: perhaps missing (probability 0.91); water: given, perhaps wrongly (probability 0.20)",
      "clear: given, perhaps wrongly (probability 0.04)",
    ]);
    await exporting({ only, format: "fiftyone", overwrite: true });
    const { samples } = JSON.parse(read("out.json"));
    assert.deepEqual(samples[1].doubts, [{ label: "clear", confidence: 0.04 }]);
    const plain = await exporting({ imageRoot: folder, overwrite: true });
    assert.doesNotMatch(plain.labelConfig ?? "", /doubts/);
  });

  it("are exported with addresses Label Studio can serve, and a warning where it cannot", async () => {
    await exporting({ imageRoot: folder });
    const images = JSON.parse(read("out.json")).map((each: { data: { image: string } }) => each.data.image);
    assert.ok(images.includes("/data/local-files/?d=tiles/c%203%25.png"), images.join());
    const warnings: string[] = [];
    const options = {
      tiles: [at("tiles")],
      labels: at("labels.csv"),
      out: at("2.json"),
      format: "label-studio" as const,
    };
    await exportLabels({ ...options, imageRoot: at("elsewhere") }, { onWarning: (message) => warnings.push(message) });
    assert.match(warnings.join(), /3 of the pictures cannot be shown.*`imageRoot`/);
  });

  it("become tasks of the shape Label Studio imports, with nothing chosen where nothing was predicted", async () => {
    writeFileSync(
      at("tags.jsonl"),
      '{"image_name":"b_2","path":"x","tags":["road"]}\n{"image_name":"a_1","path":"y","tags":[]}\n',
    );
    await exporting({ predictions: at("tags.jsonl"), imageRoot: folder });
    const [first, second] = JSON.parse(read("out.json"));
    const choose = (choice: string[]) => ({
      id: "tags",
      from_name: "tags",
      to_name: "image",
      type: "choices",
      value: { choices: choice },
    });
    assert.equal(first.data.image, "/data/local-files/?d=tiles/a_1.jpg");
    assert.deepEqual(first.annotations, [{ result: [choose(["haze"])] }]);
    assert.deepEqual(first.predictions, [{ model_version: "canopy", result: [] }]);
    assert.deepEqual(second.annotations, [{ result: [choose(["clear", "primary"])] }]);
    assert.deepEqual(second.predictions, [{ model_version: "canopy", result: [choose(["road"])] }]);
  });

  it("of tiles of one name go out and come back by their folders, with predictions and lists", async () => {
    for (const name of ["east/1.jpg", "west/1.jpg"]) {
      mkdirSync(dirname(at(`twins/${name}`)), { recursive: true });
      writeFileSync(at(`twins/${name}`), "");
    }
    writeFileSync(at("twins.csv"), "image_name,tags\neast/1,haze\nwest/1,clear road\n");
    const predicted = (side: string, tag: string) =>
      JSON.stringify({ image_name: "1", path: at(`twins/${side}/1.jpg`), tags: [tag] });
    writeFileSync(at("twins.jsonl"), `${predicted("west", "west")}\n${predicted("east", "east")}\n`);
    writeFileSync(at("only.csv"), "image_name\nwest/1\n");
    const twins = { tiles: [at("twins")], labels: at("twins.csv"), predictions: at("twins.jsonl"), overwrite: true };
    for (const format of ["label-studio", "fiftyone", "csv"] as const) {
      await exporting({ ...twins, format, predictions: undefined });
      await importLabels({ file: at("out.json"), out: at("back.csv"), overwrite: true });
      assert.deepEqual(
        rowsOf(read("back.csv")).map((row) => row.replace(/^.*(?=(east|west)\/1,)/, "")),
        rowsOf(read("twins.csv")),
        format,
      );
    }
    await exporting({ ...twins, format: "fiftyone", only: at("only.csv") });
    const { samples } = JSON.parse(read("out.json"));
    assert.deepEqual(
      samples.map((sample: { predictions: object; filepath: string }) => [sample.filepath, sample.predictions]),
      [[at("twins/west/1.jpg"), [{ label: "west", confidence: null }]]],
    );
    writeFileSync(at("only.csv"), "image_name\n1\n");
    await assert.rejects(
      exporting({ ...twins, only: at("only.csv") }),
      /Two tiles are called 1 \(.*only\.csv, line 2\)/,
    );
  });

  it("are not exported from nothing, to no tile, or twice", async () => {
    await assert.rejects(exporting({ labels: undefined }), OptionError);
    await assert.rejects(exporting({ predictions: at("tags.parquet") }), /\.csv and \.jsonl/);
    await assert.rejects(exporting({ predictions: at("gone.jsonl") }), /There is no file .*gone\.jsonl/);
    writeFileSync(at("bad.jsonl"), '{"image_name":"a","tags":[]}\n{"image_name"\n');
    await assert.rejects(exporting({ predictions: at("bad.jsonl") }), /bad\.jsonl, line 2/);
    writeFileSync(at("bad.csv"), "image_name,tags,haze\na_1,haze,high\n");
    await assert.rejects(exporting({ predictions: at("bad.csv") }), /bad\.csv, line 2/);
    writeFileSync(at("labels.csv"), "image_name,tags\nother,haze\n");
    await assert.rejects(exporting(), /None of the 1 tiles .* other/);
    writeFileSync(at("labels.csv"), CSV);
    mkdirSync(at("tiles/again"));
    writeFileSync(at("tiles/again/a_1.jpg"), "");
    await assert.rejects(exporting(), /Two tiles are called a_1/);
  });
});

describe("importing", () => {
  it("takes the latest annotation that was not skipped, and leaves out what nobody labelled", async () => {
    const warnings: string[] = [];
    const summary = await importing(
      [
        task(
          "/data/upload/3/0a1b2c3d-a_1.jpg",
          { result: [chosen("road")], updated_at: "2026-02-01T00:00:00Z" },
          {
            result: [chosen("haze", "slash burn"), { type: "rectanglelabels", value: {} }],
            updated_at: "2026-01-01T00:00:00Z",
          },
          { result: [chosen("clear")], updated_at: "2026-03-01T00:00:00Z", was_cancelled: true },
        ),
        task("s3://bucket/b_2.jpg", { result: [chosen("slash burn")] }),
        task("c.jpg"),
        task("d.jpg", { result: [], was_cancelled: true }),
        task("e.jpg", { result: [] }),
      ],
      {},
      warnings,
    );
    assert.equal(read("imported.csv"), "image_name,tags\na_1,road\nb_2,slash_burn\ne,\n");
    assert.deepEqual([summary.unlabelled, summary.untagged, summary.tags], [2, 1, ["road", "slash_burn"]]);
    assert.match(
      warnings.join("\n"),
      /2 tiles are left out.*first is c(.*\n)+.*1 tile has no tags, the first is e(.*\n)+.*"slash burn" is slash_burn/,
    );
  });

  it("corrects and extends the labels there were", async () => {
    const annotated = (name: string, ...tags: string[]) => task(`${name}.jpg`, { result: [chosen(...tags)] });
    const warnings: string[] = [];
    const summary = await importing(
      [annotated("a_1", "clear"), annotated("b_2", "primary", "clear"), annotated("new", "water")],
      { labels: at("labels.csv"), out: at("labels.csv"), overwrite: true },
      warnings,
    );
    assert.deepEqual(warnings, [], "nobody learns from the corrections alone");
    assert.deepEqual([summary.tiles, summary.added, summary.changed, summary.confirmed], [4, 1, 1, 1]);
    assert.deepEqual(rowsOf(read("labels.csv")), [
      "a_1,clear",
      "b_2,primary clear",
      "c 3%,clear road water",
      "new,water",
    ]);
  });

  it("reads one control where several are asked about", async () => {
    const quality = { ...chosen("blurred"), from_name: "quality" };
    await importing([task("a.jpg", { result: [chosen("haze"), quality] })], { control: "tags" });
    assert.equal(read("imported.csv"), "image_name,tags\na,haze\n");
  });

  it("says what is wrong, in which file and task", async () => {
    const good = task("a.jpg", { result: [chosen("haze")] });
    for (const [json, type, message] of [
      ["image,tags\n", InputError, /holds no labels/],
      [{ tasks: [] }, FormatError, /JSON of a kind that is not known/],
      [[good, { id: 9 }], FormatError, /task 2 \(id 9\): it has no data/],
      [[good, { id: 9, data: { image: "b.jpg" } }], FormatError, /task 2 \(id 9\): it has no annotations/],
      [
        [good, task("a.jpg", { result: [chosen("road")] })],
        FormatError,
        /task 2: tile a\.jpg has road here, and haze in task 1/,
      ],
      [[{ data: { text: "hello" }, annotations: [] }], FormatError, /names no picture/],
      [
        [task("a.jpg", { result: [{ type: "choices", value: { choices: "haze" } }] })],
        FormatError,
        /no list of choices/,
      ],
      [{ samples: [{ filepath: "a.jpg", ground_truth: [1] }] }, FormatError, /sample 1: its ground_truth/],
      [[task("a.jpg")], InputError, /holds no labels: nobody has labelled any of its 1 tiles/],
    ] as const) {
      await assert.rejects(importing(json), (error: Error) => {
        assert.ok(error instanceof type, `${error}`);
        assert.match(error.message, message);
        return true;
      });
    }
    await assert.rejects(
      importLabels({ file: at("gone.json"), out: at("x.csv") }),
      /There is no label file .*gone\.json/,
    );
  });
});

it("a labelling interface spells tags so that XML keeps them", () => {
  assert.match(labelConfig(['a"b<c']), /<Choice value="a&#34;b&#60;c"\/>/);
});

it("the command line exports and imports, and names what is missing", () => {
  const out = at("cli.json");
  const args = ["--tiles", at("tiles"), "--labels", at("labels.csv"), "--format", "label-studio", "--out", out];
  const exported = runCli(["labels", "export", ...args]);
  assert.equal(exported.status, 0, exported.stderr);
  assert.match(exported.stdout, /3 tiles: 3 with labels.*\n(.*\n)*.*<Choice value="haze"\/>/);
  const imported = runCli(["labels", "import", out, "--out", at("cli.csv"), "--json"]);
  assert.equal(JSON.parse(imported.stdout).added, 3);
  const refused = runCli(["labels", "import", out]);
  assert.equal(refused.status, 2);
  assert.match(refused.stderr, /out/);
});
