import assert from "node:assert/strict";
import { test } from "node:test";
import type { Checkpoint } from "../../src/head/checkpoint.js";
import { resolveHeadConfig } from "../../src/head/config.js";
import type { FeatureMatrix } from "../../src/head/feature-matrix.js";
import { computeMetrics } from "../../src/head/metrics.js";
import { createRandom } from "../../src/random.js";
import { groupsOf, settledGroups } from "../../src/tags/exclusive.js";
import { scoreFeatures } from "../../src/tags/prediction.js";
import { fitHead } from "../../src/training/fit.js";
import { refit } from "../../src/training/refit.js";

const TAGS = ["clear", "cloudy", "haze", "road"];
const WEATHER = TAGS.slice(0, 3);
const config = resolveHeadConfig({ l2: 0.1 });

/** Noisy features of made-up tiles, each of one kind of weather, and perhaps with a road. */
function madeUp(rows = 200) {
  const random = createRandom(4);
  const data = new Float32Array(rows * TAGS.length);
  const cells = new Uint8Array(data.length);
  for (let row = 0; row < rows; row++) {
    cells[row * TAGS.length + random.below(3)] = 1;
    cells[row * TAGS.length + 3] = random.below(2);
  }
  for (const [cell, label] of cells.entries()) data[cell] = label + 1.5 * (random.uniform() - 0.5);
  const features = { data, rows, numFeatures: TAGS.length };
  return { features, labels: { data: cells, rows, tags: TAGS } };
}

const { features, labels } = madeUp();

/** A model of these tiles, as far as its head and its readout go. */
async function modelWith(exactlyOne: boolean, settings: Record<string, unknown> = {}): Promise<Checkpoint> {
  const { head, thresholds } = await fitHead(features, labels, config, { exclusive: [WEATHER], exactlyOne });
  const training = { head: config, tiles: labels.rows, heldOut: 0, settings };
  const preprocessing = { tta: "none" };
  return { tags: TAGS, head, thresholds, exclusive: [WEATHER], exactlyOne, training, preprocessing } as never;
}

/** Features on which the old head is wrong, and a new one as good as it was. */
const turned: FeatureMatrix = { ...features, data: features.data.map((value) => 1 - value) };

const run = (model: Checkpoint, after: FeatureMatrix) =>
  refit(model, { features: [features], labels }, { features: [after], labels }, {});

/** The scores of `model` as it would tag `some` tiles. */
async function scoreOf(model: Checkpoint, some: FeatureMatrix) {
  const settled = settledGroups(groupsOf(model));
  return computeMetrics(await scoreFeatures(model, some), labels, model.thresholds, { settled });
}

test("the tags compared are those that the model gives, also in groups of which a tile gets exactly one", async () => {
  const model = await modelWith(true);
  const { sameTags, thresholds, f2 } = await run(model, features);
  assert.equal(sameTags, 1);
  assert.deepEqual(thresholds, model.thresholds);
  assert.equal(f2?.before, (await scoreOf(model, features)).f2);
});

for (const exactlyOne of [false, true]) {
  test(`a new head is for ${exactlyOne ? "one tag of a group" : "thresholds in groups"}, as the model is`, async () => {
    const model = await modelWith(exactlyOne);
    const { refitted, head, thresholds, metrics } = await run(model, turned);
    assert.equal(refitted, "head");
    const isHalf = [...thresholds.slice(0, 3)].every((each) => each === 0.5);
    assert.equal(isHalf, exactlyOne);
    const own = await scoreOf({ ...model, head, thresholds }, turned);
    assert.ok(Math.abs(own.f2 - (metrics.crossValidated?.f2 ?? 0)) < 0.03, `${own.f2}, ${metrics.crossValidated?.f2}`);
  });
}

test("a head that was tuned together with its backbone stays, because no fold is unseen by that", async () => {
  const model = await modelWith(false, { finetune: { kept: true } });
  const { refitted, head, metrics, f2 } = await run(model, turned);
  assert.deepEqual([refitted, head, metrics, f2?.refitted], ["thresholds", model.head, {}, null]);
  const dropped = await modelWith(false, { finetune: { kept: false } });
  assert.equal((await run(dropped, turned)).refitted, "head");
});

test("a new head keeps the targets of the model's tags", async () => {
  const recallWith = async (targets: object[]) => {
    const { refitted, metrics } = await run(await modelWith(false, { targets }), turned);
    assert.equal(refitted, "head");
    return metrics.crossValidated?.perTag[3].recall ?? 0;
  };
  const low = await recallWith([{ tag: "road", measure: "recall", value: 0.5 }]);
  assert.ok(Math.abs(low - 0.5) < 0.1, String(low));
  assert.ok((await recallWith([])) > 0.9);
});
