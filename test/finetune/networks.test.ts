/** One network of each kind: gradients of the whole network, and the loss falls. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createOnnxEngine } from "../../src/finetune/onnx-engine.js";
import { compareGradients } from "../autodiff/compare.js";
import { TEST_DEVICE } from "../onnx/run.js";
import { makeBatch, openModel } from "./models.js";
import { NETWORKS, SIDE } from "./networks.js";

for (const [kind, network] of Object.entries(NETWORKS)) {
  test(`gradients of a whole network of the kind ${kind}`, () =>
    compareGradients((maker) => network(maker, maker.maps([3, SIDE, SIDE], 0, 1)), { opset: 17, tolerance: 1e-4 }));

  test(`the loss of a network of the kind ${kind} falls`, async () => {
    const engine = await createOnnxEngine(openModel(network), { device: TEST_DEVICE, threads: 1, batchSize: 6 });
    try {
      const batch = makeBatch(6);
      const losses: number[] = [];
      const rates = { backbone: 0.02, head: 0.05, weightDecay: 0.01 };
      for (let step = 0; step < 40; step++) losses.push(await engine.step(batch, rates));
      assert.ok(losses[39] < 0.6 * losses[0], `losses ${losses}`);
    } finally {
      await engine.close();
    }
  });
}
