import assert from "node:assert/strict";
import { test } from "node:test";
import { openTunable } from "../../src/finetune/tunable.js";
import { resolveBackbone } from "../../src/models/registry.js";

test("a tuned backbone is of the size it was tuned at, without ranges, scores and address of the one it was", async () => {
  const backbone = await resolveBackbone("canopy");
  assert.ok(backbone.card.ranges !== undefined);
  const tunable = openTunable(backbone, 32, 1);
  const { card } = tunable.save(tunable.weights);
  const { name, input } = backbone.card;
  assert.deepEqual(
    [card.name, card.input, card.ranges, card.scores, card.url],
    [`${name}-tuned`, { ...input, defaultSize: 32, recommendedSizes: [32] }, undefined, undefined, undefined],
  );
});
