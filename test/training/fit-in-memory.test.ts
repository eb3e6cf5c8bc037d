import assert from "node:assert/strict";
import { it } from "node:test";
import { resolveHeadConfig } from "../../src/head/config.js";
import { selectFeatures } from "../../src/head/feature-matrix.js";
import { sigmoid } from "../../src/head/head.js";
import { computeLogits } from "../../src/head/logits.js";
import { trainOnTiles } from "../../src/head/train-tiles.js";
import { createRandom } from "../../src/random.js";
import { selectLabels } from "../../src/tiles/label-matrix.js";
import { allRows, rowsWhere } from "../../src/tiles/split.js";
import { fitHead } from "../../src/training/fit.js";

const ROWS = 100;
const USE = { augment: "none", tta: "none", seed: 1 } as const;

/** Two tags that noise decides as much as features do. */
function noisy(numFeatures: number) {
  const random = createRandom(7);
  const data = Float32Array.from({ length: ROWS * numFeatures }, () => 2 * random.uniform() - 1);
  const cells = Array.from({ length: ROWS * 2 }, (_, cell) => {
    const z = data[Math.floor(cell / 2) * numFeatures + (cell % 2)] + 2 * (random.uniform() - 0.5);
    return z > 0 ? 1 : 0;
  });
  return {
    features: { data, rows: ROWS, numFeatures },
    labels: { data: Uint8Array.from(cells), rows: ROWS, tags: ["a", "b"] },
  };
}

for (const numFeatures of [12, 160]) {
  it(`out of fold, nothing has seen the fold, the choice of the penalty included (${numFeatures} features)`, async () => {
    const { features, labels } = noisy(numFeatures);
    const config = resolveHeadConfig();
    const { scored } = await fitHead(features, labels, config);
    const chosen = new Set<number>();
    for (let fold = 0; fold < 5; fold++) {
      const held = rowsWhere(scored.folds, (each) => each === fold);
      // The same training where the fold's features are gone and its labels the opposite.
      const spoilt = { ...features, data: features.data.slice() };
      const opposite = { ...labels, data: labels.data.slice() };
      for (const row of held) {
        spoilt.data.fill(Number.NaN, row * numFeatures, (row + 1) * numFeatures);
        for (const cell of [2 * row, 2 * row + 1]) opposite.data[cell] = 1 - opposite.data[cell];
      }
      const seen = rowsWhere(scored.folds, (each) => each !== fold);
      const { head, l2 } = await trainOnTiles([spoilt], opposite, seen, config, USE);
      chosen.add(l2!);
      const logits = await computeLogits(head, features);
      for (const row of held) {
        const expected = logits.subarray(2 * row, 2 * row + 2).map(sigmoid);
        assert.deepEqual(scored.probabilities.slice(2 * row, 2 * row + 2), expected);
      }
    }
    assert.ok(chosen.size > 1, "every fold chose the same penalty");
  });
}

it("chooses the penalty of the final head on all tiles", async () => {
  const { features, labels } = noisy(160);
  const config = resolveHeadConfig();
  const { head, l2 } = await trainOnTiles([features], labels, allRows(ROWS), config, USE);
  const fitted = await fitHead(features, labels, config);
  assert.equal(fitted.l2, l2);
  assert.deepEqual(fitted.head.weight, head.weight);
});

/** The tiles of `noisy`, each of them `copies` times; with `groups`, it is known which are equal. */
function repeated(copies: number, isKnown: boolean) {
  const { features, labels } = noisy(160);
  const rows = Uint32Array.from({ length: copies * ROWS }, (_, i) => i % ROWS);
  const all = selectLabels(labels, rows);
  return { features: selectFeatures(features, rows), labels: isKnown ? { ...all, groups: rows } : all };
}

it("scores equal tiles as if there were one of each, and chooses the penalty so", async () => {
  const config = resolveHeadConfig();
  const fit = ({ features, labels }: ReturnType<typeof repeated>) => fitHead(features, labels, config);
  const [once, known, unknown] = [
    await fit(repeated(1, false)),
    await fit(repeated(3, true)),
    await fit(repeated(3, false)),
  ];
  const mapOf = ({ scored }: typeof once) => scored.metrics.map ?? 0;
  assert.ok(Math.abs(mapOf(known) - mapOf(once)) < 0.12, `${mapOf(known)} ${mapOf(once)}`);
  assert.ok(mapOf(unknown) > mapOf(known) + 0.2, `${mapOf(unknown)} ${mapOf(known)}`);
  const heldOut = new Set([...known.split.heldOut].map((row) => row % ROWS));
  assert.equal(known.split.heldOut.length, 3 * heldOut.size);
  assert.ok(known.holdOut && Math.abs(known.holdOut.tiles - 60) <= 9);
  const l2Of = ({ l2 }: typeof once) => l2 as number;
  assert.ok(l2Of(known) > 10 * l2Of(unknown), `${l2Of(known)} ${l2Of(unknown)}`);
});

it("counts equal tiles once where there are too few", async () => {
  const { features, labels } = repeated(2, true);
  const rows = Uint32Array.from([...allRows(4), ...allRows(4).map((row) => row + ROWS)]);
  const few = [selectFeatures(features, rows), selectLabels(labels, rows), resolveHeadConfig()] as const;
  await assert.rejects(fitHead(...few), {
    name: "InputError",
    message: "8 labelled tiles, of which 4 differ, are too few to train on: there must be 5 or more different ones.",
  });
});
