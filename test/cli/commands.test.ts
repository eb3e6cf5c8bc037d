import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import { synthesize } from "../../src/operations/synth.js";
import { needsShared, runCli, SHARED, suiteFolder, temporaryFolder } from "../helpers.js";

const folder = suiteFolder();
const tiles = join(folder, "tiles");
const labels = join(tiles, "labels.csv");
const model = join(folder, "model");
const env = { CANOPY_CACHE: join(folder, "cache") };
const trainArguments = ["train", "--tiles", tiles, "--labels", labels, "--size", "64"];

function run(...args: string[]) {
  return runCli(args, { env });
}

function json(...args: string[]) {
  const result = run(...args, "--json");
  assert.equal(result.status, 0, result.stderr);
  return JSON.parse(result.stdout);
}

before(async () => {
  await synthesize({ count: 80, out: tiles, seed: 5 });
});

test("train writes a whole model folder and says what it is worth", () => {
  const summary = json(...trainArguments, "--out", model);
  assert.deepEqual(readdirSync(model).sort(), [
    "backbone.onnx",
    "config.yaml",
    "head.safetensors",
    "history.csv",
    "label-errors.csv",
    "model.json",
    "report.html",
    "report.json",
    "summary.json",
    "training-tiles.bin",
  ]);
  assert.equal(summary.tiles, 80);
  assert.equal(summary.decoded, 80);
  assert.equal(summary.optimizer, "lbfgs");
  assert.ok(summary.f2 > 0.3 && summary.f2 <= 1);
  const [low, high] = summary.f2_interval;
  assert.ok(low < summary.f2 && summary.f2 < high, `${low} to ${high}`);
  assert.equal(summary.label_errors.file, join(model, "label-errors.csv"));
  const errors = readFileSync(summary.label_errors.file, "utf8").trim().split("\n");
  assert.equal(errors[0], "image_name,path,tag,given,probability,score,tags");
  assert.equal(errors.length - 1, summary.label_errors.count);
  assert.match(readFileSync(join(model, "report.html"), "utf8"), /data:image\/webp/);
  assert.deepEqual(
    readdirSync(folder).filter((name) => name.includes("partial")),
    [],
  );
});

test("the same tiles and seed give the same head, bit for bit, whatever the number of workers", () => {
  const heads = ["1", "2"].map((workers) => {
    const out = join(folder, `workers-${workers}`);
    const cache = { CANOPY_CACHE: join(folder, `cache-${workers}`) };
    const result = runCli([...trainArguments, "--out", out, "--workers", workers], { env: cache });
    assert.equal(result.status, 0, result.stderr);
    return readFileSync(join(out, "head.safetensors"));
  });
  assert.deepEqual(heads[0], heads[1]);
});

test("of a group that is given each tile gets exactly one tag, in the report, by evaluate, by predict and with one threshold", () => {
  const out = join(folder, "exclusive");
  const group = ["clear", "partly_cloudy", "cloudy", "haze"];
  const target = ["--target", "primary=recall:0.9"];
  const summary = json(...trainArguments, "--out", out, "--exclusive", group.join(","), ...target);
  assert.deepEqual(summary.exclusive, { ...summary.exclusive, kept: true, exactly_one: true, groups: [group] });
  const perTag: { tag: string; predicted: number; recall: number }[] = readReport(out).score.metrics.perTag;
  assert.equal(
    perTag.filter(({ tag }) => group.includes(tag)).reduce((sum, { predicted }) => sum + predicted, 0),
    summary.tiles,
  );
  const [{ tag, measure, value, recall }] = summary.targets;
  assert.deepEqual([tag, measure, value], ["primary", "recall", 0.9]);
  assert.equal(recall, perTag.find((each) => each.tag === "primary")?.recall);
  for (const more of [[], ["--threshold", "0.9"]]) {
    const scores = json("evaluate", "--tiles", tiles, "--labels", labels, "--model", out, ...more);
    const file = join(folder, "exclusive.jsonl");
    json("predict", tiles, "--model", out, "--out", file, "--probabilities", "--overwrite", ...more);
    const rows = readFileSync(file, "utf8")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    for (const { tag, predicted } of scores.per_tag) {
      assert.equal(rows.filter((row) => row.tags.includes(tag)).length, predicted, tag);
    }
    for (const { tags, probabilities } of rows) {
      const most = group.reduce((a, b) => (probabilities[b] > probabilities[a] ? b : a));
      assert.deepEqual(
        tags.filter((each: string) => group.includes(each)),
        [most],
      );
      assert.ok(Math.abs(group.reduce((total, each) => total + probabilities[each], 0) - 1) < 1e-5);
    }
  }
});

test("tables, galleries, curves and co-occurrence of a report count the same decisions", () => {
  for (const name of ["model", "exclusive"]) {
    const { summary, score } = readReport(join(folder, name));
    score.metrics.perTag.forEach((tag: Record<string, number | null>, column: number) => {
      const { hits, falseAlarms, misses, curve } = summary.tags[column];
      assert.equal(hits.count + falseAlarms.count, tag["predicted"]);
      assert.equal(hits.count + misses.count, tag["support"]);
      assert.equal(summary.coOccurrence.predicted[column * summary.tags.length + column], tag["predicted"]);
      const chosen = curve.find((point: { chosen?: true }) => point.chosen);
      if (tag["support"] === 0 || tag["predicted"] === 0) assert.equal(chosen, undefined);
      else assert.deepEqual([chosen.precision, chosen.recall], [tag["precision"], tag["recall"]]);
    });
  }
});

const readReport = (out: string) => JSON.parse(readFileSync(join(out, "report.json"), "utf8"));

test("the levels of the backbone are used where features are scaled, unless told otherwise", () => {
  const last = json(...trainArguments, "--out", join(folder, "last"), "--features", "last");
  const tutorial = json(...trainArguments, "--out", join(folder, "one-epoch"), "--recipe", "tutorial", "--epochs", "1");
  const { features } = json(...trainArguments, "--out", join(folder, "pyramid"), "--exclusive", "none");
  assert.deepEqual([last.features, tutorial.features], [1280, 1280]);
  assert.ok(features > 1280, `${features}`);
  const { card, training } = JSON.parse(readFileSync(join(folder, "pyramid", "model.json"), "utf8"));
  assert.equal(card.features.count, features);
  assert.deepEqual(training.head.blocks, [1280, ...card.features.levels.map(({ count }: { count: number }) => count)]);
  assert.equal(json("evaluate", "--tiles", tiles, "--labels", labels, "--model", join(folder, "pyramid")).tiles, 80);
});

test("features beyond --memory are streamed from disk, to about the same scores", () => {
  const args = [
    "--optimizer",
    "adam",
    "--epochs",
    "30",
    "--lr",
    "0.01",
    "--exclusive",
    "clear,partly_cloudy,cloudy,haze",
  ];
  const out = join(folder, "streamed");
  const streamed = json(...trainArguments, "--out", out, ...args, "--memory", "1K");
  const held = json(...trainArguments, "--out", join(folder, "held"), ...args);
  assert.equal(streamed.measured_on, `${held.hold_out.tiles} held-out tiles`);
  assert.deepEqual(streamed.hold_out.tiles, held.hold_out.tiles);
  assert.ok(Math.abs(streamed.hold_out.map - held.hold_out.map) < 0.1, `${streamed.hold_out.map} ${held.hold_out.map}`);
  assert.ok(Math.abs(streamed.f2 - held.hold_out.f2) < 0.2, `${streamed.f2} for ${held.hold_out.f2}`);
  assert.equal(json("evaluate", "--tiles", tiles, "--labels", labels, "--model", out).tiles, 80);
  assert.equal(json(...trainArguments, "--out", out, "--overwrite", "--memory", "1K").optimizer, "adam");
  for (const refused of [
    ["--optimizer", "lbfgs"],
    ["--l2", "1"],
    ["--augment", "d4"],
  ]) {
    const { status, stderr } = run(...trainArguments, "--out", join(folder, "no"), "--memory", "1K", ...refused);
    assert.equal(status, 1);
    assert.match(stderr, /need.* GiB of memory/);
  }
});

test("how probabilities are calibrated is said, and kept with the model", () => {
  const out = join(folder, "temperature");
  const summary = json(...trainArguments, "--out", out, "--epochs", "2", "--calibrate", "temperature");
  assert.deepEqual([summary.optimizer, summary.calibrate], ["rmsprop", "temperature"]);
  const { settings } = JSON.parse(readFileSync(join(out, "model.json"), "utf8")).training;
  assert.equal(settings.calibrate, "temperature");
});

test("a second training of the same tiles decodes nothing", () => {
  const summary = json(...trainArguments, "--out", join(folder, "again"), "--recipe", "tutorial", "--epochs", "3");
  assert.equal(summary.decoded, 0);
  assert.equal(summary.cached, 80);
  const history = readFileSync(join(folder, "again/history.csv"), "utf8").trim().split("\n");
  assert.equal(history.length, 1 + 3);
});

test("--epochs without an optimizer means the tutorial's, which has epochs", () => {
  const summary = json(...trainArguments, "--out", join(folder, "epochs"), "--epochs", "2", "--batch-size", "16");
  assert.equal(summary.optimizer, "rmsprop");
});

test("an existing model is replaced only with --overwrite, a folder that is no model never", () => {
  const refused = run(...trainArguments, "--out", model);
  assert.equal(refused.status, 1);
  assert.match(refused.stderr, /exists already; --overwrite replaces it/);
  assert.equal(json(...trainArguments, "--out", model, "--overwrite").tiles, 80);
  const precious = join(folder, "precious");
  mkdirSync(precious);
  writeFileSync(join(precious, "thesis.txt"), "years of work");
  const kept = run(...trainArguments, "--out", precious, "--overwrite");
  assert.equal(kept.status, 1);
  assert.match(kept.stderr, /not a model's folder/);
  assert.deepEqual(readdirSync(precious), ["thesis.txt"]);
});

test("evaluate gives the contract's keys, and scores the model's own tiles well", () => {
  const scores = json("evaluate", "--tiles", tiles, "--labels", labels, "--model", model);
  for (const key of ["f2", "f2_at_half", "map", "micro_f1", "macro_f1", "binary_accuracy", "tiles", "rejected"]) {
    assert.equal(typeof scores[key], "number", key);
  }
  assert.equal(scores.tiles, 80);
  assert.ok(scores.f2 > 0.7, `F2 ${scores.f2}`);
  assert.ok(scores.f2_interval[0] < scores.f2 && scores.f2 < scores.f2_interval[1]);
  for (const { reliable, support } of scores.per_tag) assert.equal(reliable, support >= 10);
  for (const key of ["tag", "support", "precision", "recall", "f2", "average_precision", "threshold"]) {
    assert.ok(key in scores.per_tag[0], key);
  }
});

test("predict writes Kaggle's submission, a row for every tile", () => {
  const out = join(folder, "tags.csv");
  const summary = json("predict", tiles, "--model", model, "--out", out);
  assert.equal(summary.predicted, 80);
  const lines = readFileSync(out, "utf8").trim().split("\n");
  assert.equal(lines[0], "image_name,tags");
  const labelled = readFileSync(labels, "utf8").trim().split("\n").slice(1);
  assert.deepEqual(
    lines
      .slice(1)
      .map((line) => line.split(",")[0])
      .sort(),
    labelled.map((line) => line.split(",")[0]).sort(),
  );
});

test("a bad tile is rejected with its reason, counted, and stops nothing", (t) => {
  const mixed = temporaryFolder(t);
  for (const name of readdirSync(tiles)
    .filter((file) => file.endsWith(".jpg"))
    .slice(0, 30)) {
    writeFileSync(join(mixed, name), readFileSync(join(tiles, name)));
  }
  const [victim] = readdirSync(mixed).sort();
  writeFileSync(join(mixed, victim), "no picture at all");
  const out = join(folder, "with-bad-tile");
  const result = run("train", "--tiles", mixed, "--labels", labels, "--size", "64", "--out", out, "--json");
  assert.equal(result.status, 0, result.stderr);
  const summary = JSON.parse(result.stdout);
  assert.equal(summary.rejected, 1);
  assert.equal(summary.tiles, 29);
  assert.match(result.stderr, /50 labels of .* have no tile/);
  const reject = JSON.parse(readFileSync(`${out}.rejects.jsonl`, "utf8"));
  assert.equal(reject.code, "FORMAT");
  assert.equal(reject.path, join(mixed, victim));
});

test("without the addon everything runs through sharp, with one warning that says how to mend it", () => {
  const args = ["quickstart", "--count", "60", "--out", join(folder, "without-addon"), "--json"];
  const result = runCli(args, { env: { ...env, CANOPY_NO_ADDON: "1" } });
  assert.equal(result.status, 0, result.stderr);
  assert.equal(JSON.parse(result.stdout).predicted.rejected, 0);
  assert.equal(result.stderr.match(/decoded through sharp/g)?.length, 1, result.stderr);
});

test("wrong usage exits with 2 and names the nearest valid option", () => {
  for (const [args, hint] of [
    [["train", "--tile", "x", "--labels", "y", "--out", "z"], /did you mean --tiles/],
    [
      ["predict", "x", "--model", "y", "--out", "z", "--batch-sise", "2"],
      /^canopy: Unknown argument: batch-sise - did you/,
    ],
    [["trian"], /Did you mean train/],
    [["train", "--tiles", "x", "--labels", "y", "--out", "z", "--device", "cudaa"], /did you mean cuda/],
    [["predict", "x", "--model", "y"], /out/],
    [[...trainArguments, "--out", "z", "--val", "2"], /--val/],
    [
      [...trainArguments, "--out", "z", "--optimizer", "lbfgs", "--epochs", "5"],
      /--epochs has no meaning for the optimizer lbfgs/,
    ],
    [[...trainArguments, "--out", "z", "--recipe", "tutorial", "--l2", "1"], /--l2 has no meaning/],
    [[...trainArguments, "--out", "z", "--exclusive", "clear"], /two tags or more/],
    [[...trainArguments, "--out", "z", "--target", "primary=f2:0.9"], /TAG=precision:0.9/],
    [[...trainArguments, "--out", "z", "--backbone", "canpy"], /did you mean "canopy"/],
  ] as const) {
    const result = run(...args);
    assert.equal(result.status, 2, `${args.join(" ")}: ${result.stderr}`);
    assert.match(result.stderr, hint);
    assert.equal(result.stdout, "");
  }
});

test("what cannot be done exits with 1 and one sentence naming the file", () => {
  for (const [args, sentence] of [
    [["train", "--tiles", tiles, "--labels", join(folder, "no.csv"), "--out", "z"], /There is no label file .*no\.csv/],
    [["train", "--tiles", join(folder, "nowhere"), "--labels", labels, "--out", "z"], /nowhere/],
    [["evaluate", "--tiles", tiles, "--labels", labels, "--model", join(folder, "no-model")], /no-model/],
    [["predict", tiles, "--model", join(folder, "no-model"), "--out", join(folder, "x.csv")], /no-model/],
    [[...trainArguments, "--out", "z", "--device", "cuda"], /cuda cannot be used: /],
  ] as const) {
    const result = run(...args);
    assert.equal(result.status, 1, `${args.join(" ")}: ${result.stderr}`);
    assert.match(result.stderr, sentence);
    assert.doesNotMatch(result.stderr, /\n\s+at /);
  }
  assert.ok(!existsSync("z"));
});

test("every command has help with an example", () => {
  const commands = [...run("--help").stdout.matchAll(/^ {2}canopy (\S+)/gm)].map((match) => match[1]);
  assert.ok(commands.length >= 12, commands.join(" "));
  for (const command of commands) {
    const help = run(command, "--help");
    assert.equal(help.status, 0);
    assert.match(help.stdout, /Examples:/, `${command} --help shows no example`);
  }
});

// Recorded. Which instructions a machine has moves the last bits of features, and so perhaps the tags of a tile or two.
for (const { name, args, f2, map } of [
  { name: "tutorial's", args: ["--recipe", "tutorial", "--lr", "1e-3"], f2: 0.8251, map: 0.5875 },
  { name: "default", args: [], f2: 0.8323, map: 0.6844 },
]) {
  test(`the ${name} recipe on synthetic tiles gives the scores on record`, () => {
    const summary = json(...trainArguments, ...args, "--out", join(folder, `recorded-${name}`));
    assert.ok(Math.abs(summary.f2 - f2) < 0.005, `F2 ${summary.f2}`);
    assert.ok(Math.abs(summary.map - map) < 0.005, `mAP ${summary.map}`);
  });
}

const WEIGHTS = join(SHARED, "weights");
const SAMPLE = join(SHARED, "planet-sample");

test("the tutorial's recipe on real tiles with ImageNet's weights", needsShared("planet-sample"), () => {
  const args = ["train", "--tiles", SAMPLE, "--labels", join(SAMPLE, "labels.csv"), "--recipe", "tutorial"];
  const whole = join(WEIGHTS, "mobilenetv2-imagenet-classifier.onnx");
  const summary = json(...args, "--size", "224", "--backbone", whole, "--out", join(folder, "tutorial"));
  assert.ok(summary.f2 > 0.85, `F2 ${summary.f2}`);
  assert.ok(summary.f2_at_half > 0.775, `F2 at 0.5 ${summary.f2_at_half}`);
});

test("the default recipe on real tiles with ImageNet's weights", needsShared("planet-sample"), () => {
  const args = ["train", "--tiles", SAMPLE, "--labels", join(SAMPLE, "labels.csv"), "--size", "224"];
  const features = join(WEIGHTS, "mobilenetv2-imagenet-features.onnx");
  const summary = json(...args, "--backbone", features, "--out", join(folder, "defaults"));
  assert.equal(summary.features, 1280 + 144 + 192 + 576);
  assert.ok(summary.f2 > 0.87, `F2 ${summary.f2}`);
  assert.ok(summary.map > 0.57, `mAP ${summary.map}`);
});

test("limits and readings hold for tiles whose features are in the cache, too", () => {
  const limited = run(...trainArguments, "--out", join(folder, "limited"), "--max-pixels", "100");
  assert.equal(limited.status, 1);
  assert.match(limited.stderr, /None of the 80 tiles could be decoded.*limit of 100 pixels/);
  const scores = ["auto", "gray"].map((colorspace) =>
    json("evaluate", "--tiles", tiles, "--labels", labels, "--model", model, "--colorspace", colorspace),
  );
  assert.notEqual(scores[0].f2, scores[1].f2);
});

test("values that are missing, no numbers, or out of range are wrong usage", () => {
  const wrong: [string[], RegExp][] = [
    [["--size"], /Not enough arguments following: size/],
    [["--size", "abc"], /--size.*got "abc"/],
    [["--size", "100000"], /--size to be an integer from 1 to/],
    [["--max-pixels", "abc"], /--max-pixels.*got "abc"/],
    [["--workers", "0"], /--workers/],
  ];
  for (const [options, message] of wrong) {
    const result = run("train", "--tiles", tiles, "--labels", labels, "--out", join(folder, "wrong"), ...options);
    assert.equal(result.status, 2, options.join(" "));
    assert.match(result.stderr, message);
  }
});

test("an interrupted evaluate points to no --resume, which it has not", async () => {
  const { evaluate } = await import("../../src/operations/evaluate.js");
  const options = { tiles: [tiles], labels, model, colorspace: "rgb" } as const;
  await assert.rejects(evaluate(options, { signal: AbortSignal.abort() }), /evaluate again to go on/);
});

test("nor does an interrupted quickstart", async (t) => {
  const { quickstart } = await import("../../src/operations/quickstart.js");
  const options = { out: join(temporaryFolder(t), "quickstart"), count: 50 };
  await assert.rejects(quickstart(options, { signal: AbortSignal.abort() }), /quickstart begins from the start/);
});
