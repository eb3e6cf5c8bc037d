/** Compares the gradients that ONNX Runtime computes with central differences of the reference, in float64. */
import assert from "node:assert/strict";
import ort from "onnxruntime-node";
import { appendGradients } from "../../src/autodiff/gradients.js";
import { GraphBuilder, makeNode, valueInfo } from "../../src/onnx/graph.js";
import { decodeModel, encodeModel, toTensorProto } from "../../src/onnx/proto.js";
import { elementCount, float32 } from "../../src/onnx/tensor.js";
import { randoms, runModel } from "../onnx/run.js";
import { openReference } from "./reference.js";

/** Tiles in a batch. */
const BATCH = 3;
const STEP = 1e-5;

interface Tile {
  dims: number[];
  data: Float32Array;
}

/** The graph of one case in the making. */
export class Case {
  readonly graph: GraphBuilder;
  readonly weights: string[] = [];
  readonly inputs = new Map<string, Tile>();
  #seed = 0;

  constructor(opset: number) {
    this.graph = new GraphBuilder("case", { opset });
  }

  /** A weight whose gradient is compared, of random values between `from` and `to`. */
  weight(dims: readonly number[], from = -2, to = 2): string {
    const name = `weight${this.weights.length}`;
    this.weights.push(name);
    return this.graph.initializer(name, float32(dims, this.#randoms(dims, from, to)));
  }

  /** Values `[N, ...dims]` of any number N of tiles between `from` and `to`, of which one part depends on a weight. */
  maps(dims: readonly number[], from = -2, to = 2): string {
    const name = `tiles${this.inputs.size}`;
    const middle = (from + to) / 2;
    const tile = { dims: [BATCH, ...dims], data: this.#randoms([BATCH, ...dims], from - middle, 0) };
    this.inputs.set(name, tile);
    const input = this.graph.input(name, "float32", ["N", ...dims]);
    return this.graph.node("Add", [input, this.weight([1, ...dims], middle, to)]);
  }

  #randoms(dims: readonly number[], from: number, to: number): Float32Array {
    return randoms(elementCount(dims), ++this.#seed).map((value) => from + ((value + 1) / 2) * (to - from));
  }
}

interface Comparison {
  /** @default 20 */
  opset?: number;
  /** Of the largest entry: what float32 may be off by. @default 2e-5 */
  tolerance?: number;
}

/** Fails unless the gradients of all weights of a case are what central differences give. */
export async function compareGradients(
  make: (network: Case) => string,
  { opset = 20, tolerance = 2e-5 }: Comparison = {},
): Promise<void> {
  const network = new Case(opset);
  const output = make(network);
  const bytes = network.graph.build();
  const reference = openReference(bytes);
  for (const [name, { dims, data }] of network.inputs)
    reference.values.set(name, { dims, data: Float64Array.from(data) });
  const { dims, data: forward } = reference.run(output);
  const seed = randoms(forward.length, 99);
  const found = await runModel(withGradients(bytes, network, output, dims, seed), feeds(network));
  compare(output, found[output].data, forward, tolerance);
  const loss = () => reference.run(output).data.reduce((sum, value, i) => sum + value * seed[i], 0);
  for (const name of network.weights) {
    const { data } = reference.values.get(name) ?? assert.fail(name);
    compare(`the gradient of ${name}`, found[`${name}.gradient`].data, differences(data, loss), tolerance);
  }
}

/** The derivative of `loss` by each of `data`, which it reads. */
function differences(data: Float64Array, loss: () => number): Float64Array {
  return Float64Array.from(data, (value, i) => {
    data[i] = value + STEP;
    const above = loss();
    data[i] = value - STEP;
    const below = loss();
    data[i] = value;
    return (above - below) / (2 * STEP);
  });
}

/** The graph that also gives the gradients of the sum of `output` times `seed`. */
function withGradients(
  bytes: Uint8Array,
  { weights }: Case,
  output: string,
  dims: readonly number[],
  seed: Float32Array,
): Uint8Array {
  const model = decodeModel(bytes, "The case");
  const { graph } = model;
  graph.initializer.push(toTensorProto("seed", float32(dims, seed)));
  const gradients = appendGradients(graph, { output, gradient: "seed", of: weights });
  graph.node.push(...weights.map((name) => makeNode("Identity", [gradients.get(name) ?? ""], [`${name}.gradient`])));
  const shapes = new Map(graph.initializer.map((each) => [each.name, each.dims.map(Number)]));
  graph.output = weights.map((name) => valueInfo(`${name}.gradient`, "float32", shapes.get(name) ?? []));
  graph.output.push(valueInfo(output, "float32", dims));
  return encodeModel(model);
}

function feeds({ inputs }: Case): Record<string, ort.Tensor> {
  return Object.fromEntries([...inputs].map(([name, { dims, data }]) => [name, new ort.Tensor("float32", data, dims)]));
}

function compare(what: string, found: Float32Array, expected: Float64Array, tolerance: number): void {
  assert.equal(found.length, expected.length, what);
  const largest = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  for (const [i, value] of expected.entries()) {
    const off = Math.abs(found[i] - value);
    assert.ok(off <= tolerance * largest + 1e-7, `${what}, entry ${i}: ${found[i]}, the reference gives ${value}`);
  }
}
