import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { type GradientConfig, resolveHeadConfig } from "../../src/head/config.js";
import { selectFeatures } from "../../src/head/feature-matrix.js";
import { trainHead } from "../../src/head/train.js";
import { defaultBackbone, resolveBackbone } from "../../src/models/registry.js";
import { synthesize } from "../../src/operations/synth.js";
import { selectLabels } from "../../src/tiles/label-matrix.js";
import { loadDataset } from "../../src/training/dataset.js";
import { fitHead } from "../../src/training/fit.js";
import { suiteFolder, temporaryFolder } from "../helpers.js";

test("features of tiles on servers that do not fit in memory are refused before any work", async () => {
  const labels = join(suiteFolder(), "labels.csv");
  writeFileSync(labels, "image_name,tags\na,clear\n");
  const backbone = await resolveBackbone(defaultBackbone());
  const budget = { bytes: 1, neededBy: null };
  // Nobody answers there.
  const tiles = ["http://127.0.0.1:9/a.jpg"];
  await assert.rejects(
    loadDataset({ tiles, labels, backbone, size: 32, budget }),
    /tiles on servers \(1\) are not kept on disk.*memory/,
  );
});

test("features on disk are those in memory, rejected tiles left out, and train the same head", async (t) => {
  const folder = temporaryFolder(t);
  const cache = process.env["CANOPY_CACHE"];
  process.env["CANOPY_CACHE"] = join(folder, "cache");
  t.after(() => {
    if (cache === undefined) delete process.env["CANOPY_CACHE"];
    else process.env["CANOPY_CACHE"] = cache;
  });
  const tiles = join(folder, "tiles");
  await synthesize({ count: 40, out: tiles, seed: 3 });
  for (const bad of [0, 17]) writeFileSync(join(tiles, `synth_${bad}.jpg`), "no picture");
  const backbone = await resolveBackbone(defaultBackbone());
  const options = { tiles: [tiles], labels: join(tiles, "labels.csv"), backbone, size: 32 };
  const needed = 40 * backbone.card.features.count * 4 * 2.2;
  const onDisk = await loadDataset({ ...options, budget: { bytes: needed - 1, neededBy: null } });
  const inMemory = await loadDataset({ ...options, budget: { bytes: needed, neededBy: "lbfgs" } });
  try {
    const { stored, labels, rejected } = onDisk;
    const [features] = inMemory.features;
    assert.equal(inMemory.stored, undefined);
    for (const neededBy of ["lbfgs", "variants"] as const) {
      await assert.rejects(loadDataset({ ...options, budget: { bytes: needed - 1, neededBy } }), /GiB of memory/);
    }
    assert.deepEqual([rejected.length, labels.rows, stored!.rows], [2, 38, 38]);
    assert.deepEqual(labels.data, inMemory.labels.data);
    assert.deepEqual(await stored!.read(0, 38), features.data);
    assert.deepEqual(
      await stored!.read(10, 9),
      features.data.subarray(10 * features.numFeatures).slice(0, 9 * features.numFeatures),
    );
    const config = resolveHeadConfig({ optimizer: "adam", epochs: 2, shuffle: false }) as GradientConfig;
    const streamed = await fitHead(stored!, labels, config, { holdOut: 0.3 });
    const train = streamed.split.train;
    const alone = await trainHead(selectFeatures(features, train), selectLabels(labels, train), config);
    assert.deepEqual(streamed.head, alone.head);
  } finally {
    await onDisk.close();
  }
});
