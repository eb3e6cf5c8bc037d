import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { FormatError, ModelError } from "../../src/errors.js";
import { BOX } from "../../src/models/registry.js";
import type { GraphBuilder } from "../../src/onnx/graph.js";
import { decodeModel, encodeModel, fromTensorProto } from "../../src/onnx/proto.js";
import { cutAtFeatures } from "../../src/onnx/surgery.js";
import { needsShared, SHARED } from "../helpers.js";
import { flatten, gemm, network, pool, scores } from "./networks.js";

const classifier = () => network((g, map) => scores(g, gemm(g, flatten(g, pool(g, map)))));

/** A length-delimited protobuf field. */
const field = (number: number, payload: Uint8Array | string) => {
  const bytes = Buffer.from(payload);
  return Buffer.concat([Buffer.of((number << 3) | 2, bytes.length), bytes]);
};

test("a whole network survives a round trip byte for byte", () => {
  const bytes = readFileSync(join(BOX, "canopy.onnx"));
  assert.ok(Buffer.from(encodeModel(decodeModel(bytes, "canopy"))).equals(bytes));
});

test("so do other people's networks", needsShared("weights"), () => {
  for (const name of ["features", "classifier"]) {
    const bytes = readFileSync(join(SHARED, `weights/mobilenetv2-imagenet-${name}.onnx`));
    assert.ok(Buffer.from(encodeModel(decodeModel(bytes, name))).equals(bytes), name);
  }
});

test("fields canopy does not know are kept, at the top and inside the graph, and through a cut", () => {
  // ModelProto.domain is field 4, GraphProto.doc_string field 10 of ModelProto.graph, field 7; a second occurrence merges.
  const bytes = Buffer.concat([classifier(), field(4, "org.example"), field(7, field(10, "of the graph"))]);
  for (const after of [encodeModel(decodeModel(bytes, "x")), cutAtFeatures(bytes).model]) {
    assert.ok(Buffer.from(after).includes(field(4, "org.example")));
    assert.ok(Buffer.from(after).includes(field(10, "of the graph")));
  }
});

test("what is no ONNX model is refused with its path", () => {
  const truncated = classifier().subarray(0, 300);
  for (const bytes of [Buffer.from("hello"), Buffer.alloc(0), Buffer.from([0xff, 0xff]), truncated]) {
    assert.throws(
      () => decodeModel(bytes, "net.onnx"),
      (error: Error) => {
        return error instanceof FormatError && error.message.startsWith("net.onnx is not an ONNX model");
      },
    );
  }
});

test("layers that go round in a circle, and more of them than can be followed, are refused", () => {
  const circle = decodeModel(classifier(), "net.onnx");
  const [first, last] = [circle.graph.node[0], circle.graph.node.at(-1)];
  first.input[0] = last?.output[0] ?? "";
  assert.throws(
    () => decodeModel(encodeModel(circle), "net.onnx"),
    /^FormatError: net\.onnx .* go round in a circle \("/,
  );
  const chain = (layers: number) => (g: GraphBuilder, map: string) => {
    let value = gemm(g, flatten(g, pool(g, map)));
    for (let i = 0; i < layers; i++) value = g.node("Identity", [value]);
    scores(g, value);
  };
  assert.throws(() => cutAtFeatures(network(chain(1700))), /has 17\d\d layers one behind the other/);
  assert.ok(cutAtFeatures(network(chain(1200))).features.count > 0);
});

test("features beyond all number, and weights that are fewer than their shape says, are refused", () => {
  const huge = network(
    (g, map) => void g.output("y", g.node("Identity", [flatten(g, pool(g, map))]), "float32", ["N", 2 ** 60]),
  );
  assert.throws(
    () => cutAtFeatures(huge, { path: "net.onnx" }),
    /^ModelError: net\.onnx declares 1152921504606847000 features/,
  );
  const model = decodeModel(classifier(), "net.onnx");
  const [weights] = model.graph.initializer;
  weights.dims = [10n ** 6n, 10n ** 6n];
  assert.throws(
    () => fromTensorProto(weights),
    /^ModelError: Tensor ".*" does not hold the values of its shape \[1000000/,
  );
});

test("weights kept in other files are refused with advice", () => {
  const model = decodeModel(classifier(), "net.onnx");
  Object.assign(model.graph.initializer[0] as object, { rawData: new Uint8Array(), dataLocation: 1 });
  const isAdvice = (error: Error) =>
    error instanceof ModelError && /net.onnx keeps its weights in other files/.test(error.message);
  assert.throws(() => decodeModel(encodeModel(model), "net.onnx"), isAdvice);
});

test("tensors are read from raw bytes and from typed fields alike", () => {
  const { graph } = decodeModel(classifier(), "x");
  const proto = graph.initializer.find((each) => each.name === "fc_b");
  assert.ok(proto !== undefined);
  const raw = fromTensorProto(proto);
  Object.assign(proto, { rawData: new Uint8Array(), floatData: Array.from(raw.data, Number) });
  assert.deepEqual(fromTensorProto(proto), raw);
  assert.throws(() => fromTensorProto({ ...proto, dataType: 12 }), /element type uint32/);
});
