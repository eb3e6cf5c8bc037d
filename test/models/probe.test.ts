import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, readdirSync, renameSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, beforeEach, test } from "node:test";
import { InterruptedError, ModelError } from "../../src/errors.js";
import { describeFile } from "../../src/models/file-model.js";
import { loadBackbone } from "../../src/models/load-backbone.js";
import { probeBackbone } from "../../src/models/probe.js";
import { isVouchedFor, resolveBackbone } from "../../src/models/registry.js";
import { NoFeaturesError } from "../../src/onnx/surgery.js";
import { temporaryFolder } from "../helpers.js";
import { flatten, gemm, network, pool, scores } from "../onnx/networks.js";

const RESNET = network((g, map) => scores(g, gemm(g, flatten(g, pool(g, map)))));
const MIXING = network((g, map) => {
  const mean = g.node("ReduceMean", [map], { axes: [0], keepdims: 1 });
  scores(g, gemm(g, flatten(g, pool(g, g.node("Sub", [map, mean])))));
});
const UNKNOWN = network((g, map) =>
  scores(g, g.node("Softmax", [g.node("NoSuchClassifier", [flatten(g, pool(g, map))])])),
);
const UNIT = { normalisation: "unit" } as const;

const cacheBefore = process.env["CANOPY_CACHE"];
let folder = "";
beforeEach((t) => {
  folder = temporaryFolder(t as never);
  process.env["CANOPY_CACHE"] = join(folder, "cache");
});
after(() => {
  if (cacheBefore === undefined) delete process.env["CANOPY_CACHE"];
  else process.env["CANOPY_CACHE"] = cacheBefore;
});

function write(name: string, model: Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, model);
  return path;
}

const notes = () => (existsSync(join(folder, "cache/probes")) ? readdirSync(join(folder, "cache/probes")) : []);

test("a file given as a backbone is tried out once for each size and way of feeding it", async () => {
  const path = write("net.onnx", RESNET);
  await resolveBackbone(path, UNIT);
  await resolveBackbone(path, UNIT);
  assert.equal(notes().length, 1);
  await resolveBackbone(path, { normalisation: "tf" });
  await resolveBackbone(path, { ...UNIT, size: 32 });
  assert.equal(notes().length, 3);
});

test("what was noted is not tried again", async () => {
  const card = describeFile(RESNET, "net.onnx", UNIT);
  await probeBackbone(RESNET, card, 16);
  // Bytes that would be refused at once: the note goes by the hash in the card, which registry.ts has checked.
  assert.equal((await probeBackbone(new Uint8Array(), card, 16)).name, "net");
  await assert.rejects(probeBackbone(new Uint8Array(), card, 17));
});

test("a backbone that mixes tiles is refused when it is resolved, and leaves no note", async () => {
  await assert.rejects(resolveBackbone(write("mixing.onnx", MIXING), UNIT), /depend on a tile's neighbours/);
  assert.deepEqual(notes(), []);
});

test("a model's own backbone is tried out, too, before it is used", async () => {
  const path = write("mixing.onnx", MIXING);
  const card = { ...describeFile(MIXING, path, UNIT), file: "mixing.onnx" };
  await assert.rejects(loadBackbone(card, { folder, size: 16 }), /depend on a tile's neighbours/);
});

test("an abort ends the probe", async () => {
  const controller = new AbortController();
  const probing = probeBackbone(RESNET, describeFile(RESNET, "net.onnx", UNIT), 16, { signal: controller.signal });
  controller.abort();
  await assert.rejects(probing, InterruptedError);
});

test("values named where no features are found are those that `output` takes", async () => {
  const path = write("unknown.onnx", UNKNOWN);
  const error = await resolveBackbone(path, UNIT).then(
    () => assert.fail("it was taken"),
    (error: unknown) => error,
  );
  assert.ok(error instanceof NoFeaturesError && error.candidates.length >= 2, String(error));
  for (const output of error.candidates) {
    assert.match(error.message, new RegExp(output));
    assert.equal((await resolveBackbone(path, { ...UNIT, output })).card.features.output, output);
  }
});

test("a model's folder reads no file outside it, and nothing but regular files", async () => {
  const outside = write("net.onnx", RESNET);
  const card = describeFile(RESNET, outside, UNIT);
  const model = join(folder, "model");
  mkdirSync(model);
  const load = (file: string) => loadBackbone({ ...card, file }, { folder: model, size: 16 });
  for (const file of [outside, "../net.onnx", "/dev/zero"]) {
    await assert.rejects(
      load(file),
      (error: Error) => error instanceof ModelError && /name its file with/.test(error.message),
    );
  }
  symlinkSync(outside, join(model, "link.onnx"));
  await assert.rejects(load("link.onnx"), /link.onnx is a link, which may lead out of the model's folder/);
  if (spawnSync("mkfifo", [join(model, "pipe.onnx")]).status === 0) {
    await assert.rejects(load("pipe.onnx"), /pipe.onnx is no regular file/);
  }
  mkdirSync(join(model, "folder.onnx"));
  await assert.rejects(load("folder.onnx"), /folder.onnx (is no regular file|cannot be read)/);
  copyFileSync(outside, join(model, "own.onnx"));
  assert.equal((await load("own.onnx")).byteLength, RESNET.byteLength);
  renameSync(join(model, "own.onnx"), join(model, "renamed.onnx"));
  await assert.rejects(load("own.onnx"), /name its file with `backbone`/);
});

test("backbones that come with canopy are not tried out", async () => {
  const { card } = await resolveBackbone("untrained");
  assert.ok(isVouchedFor(card));
  assert.ok(!isVouchedFor({ ...card, sha256: "0".repeat(64) }));
  assert.deepEqual(notes(), []);
});
