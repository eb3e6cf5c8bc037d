/** A GPU that computes something else than the CPU. */
import assert from "node:assert/strict";
import { describe, it, test } from "node:test";
import ort from "onnxruntime-node";
import { checkDevice, disagreement } from "../../src/features/agreement.js";
import { Backbone } from "../../src/features/backbone.js";
import { createOnnxEngine } from "../../src/finetune/onnx-engine.js";
import { GraphBuilder } from "../../src/onnx/graph.js";
import { float32 } from "../../src/onnx/tensor.js";
import { makeBatch, openModel } from "../finetune/models.js";
import { NETWORKS, type Network } from "../finetune/networks.js";
import { randoms } from "../onnx/run.js";
import { NEEDS_WEBGPU } from "./software-webgpu.js";

const outputs = (a: number[], b: number[]) => ({
  a: { data: Float32Array.from(a) },
  b: { data: Float32Array.from(b) },
});

test("outputs agree if each is near the expected one, or as small beside the others as rounding", () => {
  const expected = outputs([3, 4], [0.001, 0]);
  assert.equal(disagreement(outputs([3.3, 3.7], [0.001, 0]), expected), undefined);
  assert.equal(disagreement(outputs([3, 4], [0, 0.001]), expected), undefined);
  assert.deepEqual(disagreement(outputs([3, 4], [0, 0.1]), expected)?.output, "b");
  assert.deepEqual(disagreement(outputs([4, 3], [0.001, 0]), expected)?.output, "a");
  assert.deepEqual(disagreement(outputs([3, Number.NaN], [0.001, 0]), expected)?.output, "a");
  assert.equal(disagreement(outputs([3, 4], [0.001, 0]), outputs([Number.NaN, 4], [0.001, 0])), undefined);
});

const SIZE = 8;

/** Two channels of the pixels, `outputs` maps of each, and their means. */
function network(outputs: number, seed = 5): Uint8Array {
  const graph = new GraphBuilder("network");
  const tiles = graph.input("tiles", "uint8", ["N", SIZE, SIZE, 3]);
  const pixels = graph.node("Transpose", [graph.node("Cast", [tiles], { to: 1 })], { perm: [0, 3, 1, 2] });
  const weights = (...dims: number[]) =>
    graph.initializer(
      `weights${dims}`,
      float32(
        dims,
        randoms(
          dims.reduce((a, b) => a * b),
          seed,
        ),
      ),
    );
  const maps = graph.node("Relu", [graph.node("Conv", [pixels, weights(2, 3, 1, 1)])]);
  const more = graph.node("Relu", [graph.node("Conv", [maps, weights(2 * outputs, 1, 3, 3)], { group: 2 })]);
  const means = graph.node("Flatten", [graph.node("GlobalAveragePool", [more])]);
  graph.output("features", means, "float32", ["N", 2 * outputs]);
  return graph.build();
}

const feeds = () => ({
  tiles: new ort.Tensor(
    "uint8",
    Uint8Array.from({ length: SIZE ** 2 * 3 }, (_, i) => i),
    [1, SIZE, SIZE, 3],
  ),
});

async function withSession<T>(
  model: Uint8Array,
  device: "cpu" | "webgpu",
  work: (s: ort.InferenceSession) => Promise<T>,
) {
  const session = await ort.InferenceSession.create(model, { executionProviders: [device], logSeverityLevel: 3 });
  try {
    return await work(session);
  } finally {
    await session.release();
  }
}

const WRONG =
  /webgpu computes this network wrongly: its .* are off by \d+ % there, by the CPU's results\. Run it on the CPU\./;

test("a session that gives what the CPU gives is taken, another is not", () =>
  withSession(network(4), "cpu", async (session) => {
    await checkDevice("webgpu", session, network(4), feeds());
    await assert.rejects(checkDevice("webgpu", session, network(4, 7), feeds()), WRONG);
    // What is on the CPU needs no second opinion.
    await checkDevice("cpu", session, network(4, 7), feeds());
  }));

/** The same as a network to be trained. */
const grouped: Network = ({ graph, weight }, pixels) => {
  const maps = graph.node("Conv", [pixels, weight([2, 3, 1, 1], -1, 1)]);
  const more = graph.node("Conv", [maps, weight([10, 1, 3, 3], -1, 1)], { group: 2 });
  const fewer = graph.node("Conv", [graph.node("Relu", [more]), weight([6, 10, 1, 1], -1, 1)]);
  return graph.node("Flatten", [graph.node("GlobalAveragePool", [fewer])]);
};

describe("WebGPU", NEEDS_WEBGPU, () => {
  const openAndClose = async (outputs: number) => {
    const options = { model: network(outputs), size: SIZE, numFeatures: 2 * outputs, device: "webgpu" } as const;
    await (await Backbone.open(options)).close();
  };
  const results = (model: Uint8Array, device: "cpu" | "webgpu") =>
    withSession(model, device, (session) => session.run(feeds()));

  it("runs a network that it computes as the CPU does", () => openAndClose(4));

  it("is refused for a network that it computes wrongly, as those with five maps of a channel by ONNX Runtime 1.30", async () => {
    const model = network(5);
    const isWrong = disagreement(await results(model, "webgpu"), await results(model, "cpu")) !== undefined;
    if (isWrong) await assert.rejects(openAndClose(5), WRONG);
    else await openAndClose(5);
  });

  it("is refused in a sentence for half precision that the driver does not have", async () => {
    const graph = new GraphBuilder("halves");
    const tiles = graph.input("tiles", "uint8", ["N", SIZE, SIZE, 3]);
    const halves = graph.node("Relu", [graph.node("Cast", [graph.node("Cast", [tiles], { to: 1 })], { to: 10 })]);
    const means = graph.node("ReduceMean", [graph.node("Cast", [halves], { to: 1 })], { axes: [1, 2], keepdims: 0 });
    graph.output("features", means, "float32", ["N", 3]);
    const opening = Backbone.open({ model: graph.build(), size: SIZE, numFeatures: 3, device: "webgpu" });
    await opening.then(
      (backbone) => backbone.close(),
      (error: Error) =>
        assert.match(error.message, /this GPU has no half precision for WebGPU .*Take floats, or the CPU/),
    );
  });

  const train = async (model: Network, device: "cpu" | "webgpu") => {
    const engine = await createOnnxEngine(openModel(model), { device, threads: 1, batchSize: 5 });
    try {
      const rates = { backbone: 0.01, head: 0.02, weightDecay: 0.1 };
      const losses: number[] = [];
      for (let step = 0; step < 3; step++) losses.push(await engine.step(makeBatch(5), rates));
      return losses;
    } finally {
      await engine.close();
    }
  };

  it("trains a ResNet in the steps of the CPU", async () => {
    const [cpu, webgpu] = [await train(NETWORKS["ResNet"], "cpu"), await train(NETWORKS["ResNet"], "webgpu")];
    for (const [step, loss] of webgpu.entries()) assert.ok(Math.abs(loss - cpu[step]) < 1e-4 * cpu[step], `${webgpu}`);
  });

  it("is refused for a training whose gradients it computes wrongly, and gives the CPU's else", async () => {
    const webgpu = await train(grouped, "webgpu").catch((error: Error) => error);
    if (webgpu instanceof Error) return assert.match(webgpu.message, WRONG);
    const cpu = await train(grouped, "cpu");
    for (const [step, loss] of webgpu.entries()) assert.ok(Math.abs(loss - cpu[step]) < 1e-4 * cpu[step], `${webgpu}`);
  });
});
