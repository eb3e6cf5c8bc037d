import assert from "node:assert/strict";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import ort from "onnxruntime-node";
import { InputError, ModelError } from "../../src/errors.js";
import { importModel } from "../../src/models/import.js";
import { modelCache, resolveBackbone } from "../../src/models/registry.js";
import { prepareBackbone } from "../../src/onnx/prepare.js";
import { temporaryFolder } from "../helpers.js";
import { CHANNELS, flatten, gemm, network, pool, reshape, scores, type Tail } from "../onnx/networks.js";
import { runModel } from "../onnx/run.js";

const resnet: Tail = (g, map) => scores(g, gemm(g, flatten(g, pool(g, map))));
const before = process.env["CANOPY_CACHE"];
let folder: string;

beforeEach((t) => {
  folder = temporaryFolder(t as never);
  process.env["CANOPY_CACHE"] = join(folder, "cache");
});
afterEach(() => {
  if (before === undefined) delete process.env["CANOPY_CACHE"];
  else process.env["CANOPY_CACHE"] = before;
});

function write(name: string, model: Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, model);
  return path;
}

test("an imported classifier is a backbone by its name, without its classifier", async () => {
  const entry = await importModel(write("net.onnx", network(resnet)), { name: "mine", normalisation: "unit" });
  assert.deepEqual([entry.place, entry.card.features.count, entry.card.input.fixedSize], ["cache", CHANNELS, null]);
  const { card, bytes } = await resolveBackbone("mine");
  const tiles = new ort.Tensor("uint8", new Uint8Array(3 * 20 * 20 * 3), [3, 20, 20, 3]);
  const { features } = await runModel(prepareBackbone(bytes, card, 20), { tiles });
  assert.deepEqual(features?.dims, [3, CHANNELS]);
});

test("a declared size the network does not need is given up, one it needs is kept", async () => {
  const free = await importModel(write("free.onnx", network(resnet, [1, 3, 32, 32])), { normalisation: "unit" });
  assert.deepEqual([free.card.input.fixedSize, free.card.input.defaultSize], [null, 32]);
  const whole: Tail = (g, map) =>
    g.output("y", reshape(g, map, [1, CHANNELS * 15 * 15]), "float32", [1, CHANNELS * 15 * 15]);
  const fixed = await importModel(write("fixed.onnx", network(whole, [1, 3, 32, 32])), { normalisation: "unit" });
  assert.equal(fixed.card.input.fixedSize, 32);
});

test("a taken name, a bad name and a missing file are refused, and an import can be replaced", async () => {
  const path = write("net.onnx", network(resnet));
  await importModel(path, { normalisation: "unit" });
  await assert.rejects(importModel(path, { normalisation: "unit" }), (error: Error) => {
    return error instanceof InputError && /already; `overwrite` replaces it, or `name`/.test(error.message);
  });
  assert.equal((await importModel(path, { normalisation: "tf", overwrite: true })).card.input.scale, 127.5);
  await assert.rejects(importModel(path, { name: "imagenet", overwrite: true }), /called imagenet already; `name`/);
  await assert.rejects(importModel(path, { name: "../up" }), /no name for a backbone/);
  await assert.rejects(importModel(join(folder, "none.onnx")), ModelError);
});

test("a network that does not run, or mixes the tiles of a batch, is refused and not stored", async () => {
  const mixing: Tail = (g, map) => {
    const mean = g.node("ReduceMean", [flatten(g, pool(g, map))], { axes: [0], keepdims: 1 });
    g.output("y", g.node("Sub", [flatten(g, pool(g, map)), mean]), "float32", ["N", CHANNELS]);
  };
  await assert.rejects(
    importModel(write("a.onnx", network(mixing)), { normalisation: "unit" }),
    /other features in a batch/,
  );
  const broken: Tail = (g, map) => resnet(g, g.node("NoSuchOperator", [map]));
  await assert.rejects(
    importModel(write("b.onnx", network(broken)), { normalisation: "unit" }),
    /b does not run on tiles of 224 pixels in ONNX Runtime/,
  );
  assert.ok(!existsSync(modelCache()));
});
