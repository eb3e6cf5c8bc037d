/** Evaluates small ONNX graphs in float64, by the operators' definitions: what gradients are compared with. */
import { intAttribute, intsAttribute } from "../../src/onnx/editing.js";
import type { NodeProto } from "../../src/onnx/gen/onnx_pb.js";
import { decodeModel, fromTensorProto } from "../../src/onnx/proto.js";
import type { Tensor } from "../../src/onnx/tensor.js";
import type { NdArray } from "./arrays.js";
import { OPERATORS } from "./operators.js";

export interface Reference {
  /** Values of initializers and inputs by name; may be changed between calls of `run`. */
  values: Map<string, NdArray>;
  /** The value `name`. */
  run(name: string): NdArray;
}

export function openReference(bytes: Uint8Array): Reference {
  const { graph } = decodeModel(bytes, "The graph");
  const values = new Map(graph.initializer.map((each) => [each.name, toArray(fromTensorProto(each))]));
  return {
    values,
    run(name) {
      const known = new Map(values);
      for (const node of graph.node) {
        const outputs = evaluate(node, known);
        for (const [i, output] of node.output.entries()) known.set(output, outputs[i]);
      }
      return known.get(name) as NdArray;
    },
  };
}

function toArray({ dims, data }: Tensor): NdArray {
  return { dims, data: Float64Array.from(data as Float32Array, Number) };
}

function evaluate(node: NodeProto, known: ReadonlyMap<string, NdArray>): NdArray[] {
  const operator = OPERATORS[node.opType];
  if (operator === undefined) throw new Error(`the reference does not know ${node.opType}`);
  const result = operator({
    node,
    inputs: node.input.map((name) => known.get(name) as NdArray),
    int: (name, fallback) => intAttribute(node, name, fallback),
    ints: (name) => intsAttribute(node, name),
    float: (name, fallback) => node.attribute.find((each) => each.name === name)?.f ?? fallback,
  });
  return Array.isArray(result) ? result : [result];
}
