/** Writer: the new list of a graph's nodes, with pairs of QuantizeLinear and DequantizeLinear. */
import type { GraphProto, NodeProto, TensorProto } from "../onnx/gen/onnx_pb.js";
import { type Attributes, makeNode } from "../onnx/graph.js";
import { toTensorProto } from "../onnx/proto.js";
import { float32, type Tensor } from "../onnx/tensor.js";
import type { Scale } from "./ranges.js";

export class Writer {
  readonly graph: GraphProto;
  readonly nodes: NodeProto[] = [];
  readonly #names: Set<string>;

  constructor(graph: GraphProto) {
    this.graph = graph;
    // Names of nodes, too: new nodes are called after what they give.
    const all = [...graph.initializer, ...graph.input, ...graph.node].map(({ name }) => name);
    this.#names = new Set([...all, ...graph.node.flatMap(({ output }) => output)]);
  }

  /** A name that the graph does not use: `wish`, or `wish` with a number. */
  fresh(wish: string): string {
    let name = wish;
    for (let count = 2; this.#names.has(name); count++) name = `${wish}_${count}`;
    this.#names.add(name);
    return name;
  }

  node(
    operator: string,
    inputs: readonly string[],
    attributes: Attributes = {},
    output = this.fresh(operator),
  ): string {
    this.nodes.push(makeNode(operator, inputs, [output], attributes));
    return output;
  }

  constant(wish: string, tensor: Tensor): string {
    const proto = toTensorProto(this.fresh(wish), tensor);
    this.graph.initializer.push(proto);
    return proto.name;
  }

  initializer(name: string): TensorProto | undefined {
    return this.graph.initializer.find((each) => each.name === name);
  }

  /** The integers of the float value `from`; constants are called after `of`. */
  quantise(from: string, scale: Scale, of: string): string {
    const output = this.fresh(`${of}_integer`);
    this.#pair("QuantizeLinear", [from, ...this.#constants(scale, of)], output);
    return output;
  }

  /** The floats `to` that the integers `from` stand for. */
  dequantise(from: string, scale: Scale, of: string, to: string): void {
    this.#pair("DequantizeLinear", [from, ...this.#constants(scale, of)], to);
  }

  /** The same for weights and biases, which have a scale for each slice of `axis`; their zero point is 0. */
  dequantiseConstant(of: string, integers: Tensor, scales: Float32Array, axis: number): string {
    const to = this.fresh(`${of}_float`);
    const zeros = {
      type: integers.type,
      dims: [scales.length],
      data: integers.data.slice(0, scales.length).fill(0 as never),
    };
    const names = [
      this.constant(`${of}_integer`, integers),
      this.constant(`${of}_scale`, float32([scales.length], scales)),
      this.constant(`${of}_zero`, zeros),
    ];
    this.#pair("DequantizeLinear", names, to, { axis });
    return to;
  }

  readonly #known = new Map<string, string[]>();

  #constants({ scale, zeroPoint }: Scale, of: string): string[] {
    const known = this.#known.get(of) ?? [
      this.constant(`${of}_scale`, float32([], [scale])),
      this.constant(`${of}_zero`, { type: "uint8", dims: [], data: Uint8Array.of(zeroPoint) }),
    ];
    this.#known.set(of, known);
    return known;
  }

  #pair(operator: string, inputs: readonly string[], output: string, attributes: Attributes = {}): void {
    const node = makeNode(operator, inputs, [output], attributes);
    // Another node may have the name of a value.
    node.name = "";
    this.nodes.push(node);
  }
}
