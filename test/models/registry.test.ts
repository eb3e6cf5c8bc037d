import assert from "node:assert/strict";
import { copyFileSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { FormatError, ModelError, OptionError } from "../../src/errors.js";
import { cardText, readCard } from "../../src/models/card-file.js";
import { knownModel } from "../../src/models/known.js";
import { loadBackbone } from "../../src/models/load-backbone.js";
import { BOX, defaultBackbone, listModels, resolveBackbone } from "../../src/models/registry.js";
import { GraphBuilder } from "../../src/onnx/graph.js";
import { assertRefused } from "../damaged-json.js";
import { needsShared, SHARED, temporaryFolder } from "../helpers.js";

const before = process.env["CANOPY_CACHE"];
beforeEach((t) => {
  process.env["CANOPY_CACHE"] = temporaryFolder(t as never);
});
afterEach(() => {
  if (before === undefined) delete process.env["CANOPY_CACHE"];
  else process.env["CANOPY_CACHE"] = before;
});

/** A tiny network on disk: input `x` of the given shape, global average pool, Flatten. */
function writeNetwork(folder: string, shape: (number | string)[]): string {
  const graph = new GraphBuilder("tiny");
  const x = graph.input("x", "float32", shape);
  graph.output("y", graph.node("Flatten", [graph.node("GlobalAveragePool", [x])]), "float32", ["N", 3]);
  const path = join(folder, "tiny.onnx");
  writeFileSync(path, graph.build());
  return path;
}

test("every card in the box is valid, one of them is the default, and models in the box are what their cards say", async () => {
  const models = listModels();
  assert.ok(models.some(({ card }) => card.name === "imagenet"));
  assert.deepEqual(
    models.filter(({ isDefault }) => isDefault).map(({ card }) => card.name),
    [defaultBackbone()],
  );
  assert.equal(defaultBackbone() === "canopy", existsSync(join(BOX, "canopy.json")));
  for (const { card, place } of models.filter(({ place }) => place !== "not downloaded")) {
    assert.equal((await resolveBackbone(card.name)).bytes.byteLength, card.byteLength, `${card.name} (${place})`);
  }
});

test("an unknown name is answered with the nearest, one that is not downloaded with the command that fetches it", async () => {
  await assert.rejects(resolveBackbone("imagnet"), (error: Error) => {
    return (
      error instanceof OptionError && /no backbone called "imagnet"; did you mean "imagenet"\?/.test(error.message)
    );
  });
  await assert.rejects(
    resolveBackbone("imagenet"),
    /not on this machine: `canopy models pull imagenet` fetches it \(14.0 MB\)/,
  );
});

test("a file in the cache of another hash or size is refused", async () => {
  const cache = join(process.env["CANOPY_CACHE"] as string, "models");
  mkdirSync(cache, { recursive: true });
  writeFileSync(
    join(cache, "mine.json"),
    cardText({
      ...readCard(join(BOX, "imagenet.json")),
      name: "mine",
      file: "mine.onnx",
      byteLength: 3,
    }),
  );
  writeFileSync(join(cache, "mine.onnx"), "abc");
  await assert.rejects(resolveBackbone("mine"), /mine.onnx is not the backbone mine: its SHA-256 is ba7816bf/);
  writeFileSync(join(cache, "mine.onnx"), "ab");
  await assert.rejects(resolveBackbone("mine"), /has 2 bytes, the backbone mine has 3/);
});

test("a card with a wrong field is refused by name", (t) => {
  const path = join(temporaryFolder(t), "card.json");
  const card = readCard(join(BOX, "imagenet.json"));
  writeFileSync(path, cardText({ ...card, input: { ...card.input, std: [1, 0, 1] } }));
  assert.throws(
    () => readCard(path),
    (error: Error) => error instanceof FormatError && /"input.std\[1\]": expected not 0, it is 0/.test(error.message),
  );
});

test("a card with any key missing or of another type is refused by name", async (t) => {
  const path = join(temporaryFolder(t), "card.json");
  const card = readCard(join(BOX, "imagenet.json"));
  const full = {
    ...card,
    untrained: { seed: 1 },
    scores: [{ metric: "F2", value: 0.8, size: 128, measuredOn: "tiles" }],
  };
  const read = (json: unknown) => {
    writeFileSync(path, JSON.stringify(json));
    return readCard(path);
  };
  await assertRefused(full, path, read, /^(url|untrained|scores) missing$/);
});

test("a user's file gets a card from its graph, with one warning about the assumed normalisation", async (t) => {
  const path = writeNetwork(temporaryFolder(t), [1, 3, 96, 96]);
  const warnings: string[] = [];
  const { card } = await resolveBackbone(path, { onWarning: (message) => warnings.push(message) });
  assert.deepEqual(card.input, {
    name: "x",
    layout: "NCHW",
    channels: "RGB",
    scale: 255,
    mean: [0.485, 0.456, 0.406],
    std: [0.229, 0.224, 0.225],
    fixedSize: 96,
    defaultSize: 96,
    recommendedSizes: [96],
  });
  assert.equal(card.features.count, 3);
  assert.equal(warnings.length, 1);
  assert.match(warnings[0] as string, /`normalisation` says it: imagenet, tf, unit or raw/);
  await assert.rejects(resolveBackbone(path, { size: 128 }), /takes tiles of 96 pixels only, not 128/);
});

test("what only an unknown file needs to be told is refused for a name, and warned of for a known file", async (t) => {
  await assert.rejects(resolveBackbone("untrained", { normalisation: "tf" }), {
    name: "OptionError",
    message: /The backbone untrained says its `normalisation` itself/,
  });
  await assert.rejects(resolveBackbone("none", { normalisation: "tf" }), /none/);
  const path = writeNetwork(temporaryFolder(t), [1, 3, 96, 96]);
  const { card } = await resolveBackbone(path, { normalisation: "tf" });
  writeFileSync(path.replace(".onnx", ".card.json"), cardText({ ...card, file: "tiny.onnx" }));
  const warnings: string[] = [];
  const again = await resolveBackbone(path, { normalisation: "unit", onWarning: (text) => warnings.push(text) });
  assert.deepEqual(again.card.input.scale, card.input.scale);
  assert.match(warnings.join(), /does not use what is given: `normalisation`/);
});

test("options and a sidecar card say what a file does not", async (t) => {
  const folder = temporaryFolder(t);
  const path = writeNetwork(folder, ["N", 3, "H", "W"]);
  const warnings: string[] = [];
  const options = {
    normalisation: "tf",
    channels: "BGR",
    onWarning: (message: string) => warnings.push(message),
  } as const;
  const { card } = await resolveBackbone(path, options);
  assert.deepEqual(
    [card.input.mean, card.input.channels, card.input.fixedSize, warnings],
    [[1, 1, 1], "BGR", null, []],
  );
  writeFileSync(join(folder, "tiny.card.json"), cardText({ ...card, name: "carded" }));
  assert.equal((await resolveBackbone(path)).card.name, "carded");
  writeFileSync(join(folder, "tiny.card.json"), cardText({ ...card, sha256: "0".repeat(64) }));
  await assert.rejects(resolveBackbone(path), /card of another file/);
  await assert.rejects(resolveBackbone(join(folder, "none.onnx")), ModelError);
});

test("a recorded card finds its backbone again, and refuses another file", async (t) => {
  const folder = temporaryFolder(t);
  const { card, bytes } = await resolveBackbone(writeNetwork(folder, ["N", 3, "H", "W"]), { normalisation: "unit" });
  const own = { ...card, file: "tiny.onnx" };
  assert.deepEqual(await loadBackbone(own, { folder }), bytes);
  copyFileSync(card.file, join(folder, "moved.onnx"));
  assert.deepEqual(await loadBackbone({ ...card, file: "/gone.onnx" }, { file: join(folder, "moved.onnx") }), bytes);
  await assert.rejects(
    loadBackbone({ ...card, file: "/gone.onnx" }, { folder: "model" }),
    /backbone tiny .* is not in model, canopy itself, the folders of CANOPY_BACKBONES: name its file with `backbone`.$/,
  );
  writeNetwork(folder, [1, 3, 32, 32]);
  await assert.rejects(loadBackbone(own, { folder }), ModelError);
});

test("the copy in a model's folder goes before the one that canopy knows", async (t) => {
  const folder = temporaryFolder(t);
  const { card, bytes } = await resolveBackbone(defaultBackbone());
  const own = { ...card, file: "backbone.onnx" };
  writeFileSync(join(folder, own.file), bytes);
  assert.deepEqual(await loadBackbone(own, { folder }), bytes);
  writeFileSync(join(folder, own.file), bytes.with(0, 255));
  await assert.rejects(loadBackbone(own, { folder }), /backbone.onnx is not the backbone/);
});

test("a backbone that no model holds is found by its bytes in the folders of CANOPY_BACKBONES", async (t) => {
  const [folder, empty] = [temporaryFolder(t), temporaryFolder(t)];
  const { card, bytes } = await resolveBackbone(writeNetwork(folder, ["N", 3, "H", "W"]), { normalisation: "unit" });
  renameSync(join(folder, "tiny.onnx"), join(folder, "z-renamed.onnx"));
  writeFileSync(join(folder, "a-same-size.onnx"), bytes.with(0, 255));
  t.after(() => delete process.env["CANOPY_BACKBONES"]);
  process.env["CANOPY_BACKBONES"] = ["/gone", empty].join(delimiter);
  await assert.rejects(loadBackbone({ ...card, file: "tiny.onnx" }, { folder: empty }), /CANOPY_BACKBONES/);
  process.env["CANOPY_BACKBONES"] = ["/gone", empty, folder].join(delimiter);
  assert.deepEqual(await loadBackbone({ ...card, file: "tiny.onnx" }, { folder: empty }), bytes);
});

test("that a model is of another version is said only if canopy has another version of its backbone", async () => {
  const { card } = await resolveBackbone(defaultBackbone());
  const older = { ...card, sha256: "0".repeat(64) };
  await assert.rejects(loadBackbone(older), /of this canopy is another version; the canopy that trained the model/);
  await assert.rejects(loadBackbone({ ...older, name: "mine" }), (error: Error) => !/version/.test(error.message));
});

test("files that people are likely to have are known by their hash", () => {
  const known = knownModel("d32e22e5d7abed518809958d8765612cc04a4a2ce1d22f962d411a1b2c92612e");
  assert.deepEqual([known?.name, known?.input.scale, known?.input.mean], ["mobilenetv2-tf", 127.5, [1, 1, 1]]);
  assert.equal(knownModel("0".repeat(64)), undefined);
});

test("the shared ImageNet files are recognised by their hash", needsShared("weights"), async () => {
  for (const name of ["features", "classifier"]) {
    const warn = (message: string) => assert.fail(message);
    const path = join(SHARED, `weights/mobilenetv2-imagenet-${name}.onnx`);
    const { card, bytes } = await resolveBackbone(path, { onWarning: warn });
    assert.deepEqual([card.name, card.input.mean, card.features.count], ["mobilenetv2-tf", [1, 1, 1], 1280]);
    assert.deepEqual(bytes, readFileSync(path));
  }
});
