import assert from "node:assert/strict";
import { test } from "node:test";
import { ModelError, OptionError } from "../../src/errors.js";
import { checkTunable } from "../../src/finetune/check-tunable.js";
import type { Blocks } from "../../src/finetune/tunable.js";
import { describeFile } from "../../src/models/file-model.js";
import { GraphBuilder } from "../../src/onnx/graph.js";
import { float32, int64, type Tensor } from "../../src/onnx/tensor.js";
import { randoms } from "../onnx/run.js";

/** Three convolutions; `between` is what stands between the first and the second, `weigh` makes their weights. */
function network(between: (graph: GraphBuilder, map: string) => string, weigh: typeof halves = float32): Uint8Array {
  const graph = new GraphBuilder("three");
  const conv = (map: string, name: string, inputs: number) => {
    const weight = graph.initializer(name, weigh([4, inputs, 1, 1], randoms(4 * inputs)));
    return graph.node("Conv", [map, weight]);
  };
  const { type } = weigh([0], new Float32Array());
  const pixels = graph.input("pixels", type, ["N", 3, "H", "W"]);
  const map = between(graph, conv(pixels, "first", 3));
  const pooled = graph.node("GlobalAveragePool", [conv(conv(map, "second", 4), "third", 4)]);
  graph.output("features", graph.node("Flatten", [pooled]), type, ["N", 4]);
  return graph.build();
}

/** Some numbers near an eighth. */
const halves = (dims: readonly number[], values: Float32Array): Tensor => ({
  type: "float16",
  dims,
  data: Uint16Array.from(values, (_, i) => 0x3000 + i),
});

function check(bytes: Uint8Array, blocks: Blocks): void {
  checkTunable({ card: describeFile(bytes, "net.onnx", { normalisation: "unit" }), bytes }, 16, blocks);
}

const cumSum = (graph: GraphBuilder, map: string) =>
  graph.node("CumSum", [map, graph.initializer("axis", int64([], [2]))], {}, "sums");

test("an operator in the way is refused with the file, and with what can learn instead", () => {
  const bytes = network(cumSum);
  const refusal = (error: Error) => {
    assert.ok(error instanceof ModelError);
    assert.match(error.message, /net\.onnx cannot be fine-tuned: .* CumSum of node "sums".*`finetune\.blocks: 2`\.$/);
    return true;
  };
  assert.throws(() => check(bytes, "all"), refusal);
  assert.throws(() => check(bytes, 3), refusal);
  check(bytes, 2);
  assert.throws(() => check(bytes, 4), OptionError);
});

test("weights that are no float32 cannot learn, and the message says so", () => {
  const bytes = network((_graph, map) => map, halves);
  assert.throws(() => check(bytes, "all"), /net\.onnx cannot be fine-tuned: it has no float32 weights/);
});

test("a network that takes one tile at a time is refused as such", () => {
  const bytes = network((_graph, map) => map);
  const card = describeFile(bytes, "net.onnx", { normalisation: "unit" });
  checkTunable({ card, bytes }, 16, "all");
  const single = { ...card, input: { ...card.input, oneByOne: true } };
  assert.throws(() => checkTunable({ card: single, bytes }, 16, "all"), /net\.onnx cannot .* one tile at a time/);
});
