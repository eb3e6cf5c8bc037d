/** Emitter: appends the nodes of gradient formulas to a graph, each with a fresh name, and shares constants. */
import { TensorProto_DataType as DataType, type GraphProto } from "../onnx/gen/onnx_pb.js";
import { type Attributes, makeNode } from "../onnx/graph.js";
import { toTensorProto } from "../onnx/proto.js";
import { float32, int64, type Tensor } from "../onnx/tensor.js";

const PREFIX = "grad";

export class Emitter {
  readonly #graph: GraphProto;
  readonly #taken: Set<string>;
  readonly #constants = new Map<string, string>();
  #count = 0;

  constructor(graph: GraphProto) {
    this.#graph = graph;
    const values = [...graph.input, ...graph.output, ...graph.initializer].map(({ name }) => name);
    this.#taken = new Set([...values, ...graph.node.flatMap((node) => [...node.input, ...node.output])]);
  }

  /** Appends a node and returns the name of its output. Numbers among `inputs` become constants. */
  op(type: string, inputs: readonly (string | number)[], attributes: Attributes = {}): string {
    const names = inputs.map((input) => (typeof input === "number" ? this.number(input) : input));
    const output = this.#fresh(type);
    this.#graph.node.push(makeNode(type, names, [output], attributes));
    return output;
  }

  /** A constant scalar. */
  number(value: number): string {
    return this.#constant(`number ${Object.is(value, -0) ? 0 : value}`, () => float32([], [value]));
  }

  /** A constant. */
  floats(dims: readonly number[], values: readonly number[] | Float32Array): string {
    return this.#constant(`floats [${dims}] ${values.join()}`, () => float32(dims, values));
  }

  /** A constant list of int64: axes, shapes, bounds. */
  ints(values: readonly number[]): string {
    return this.#constant(`ints ${values.join()}`, () => int64([values.length], values));
  }

  /** Sum over `axes`. */
  sum(value: string, axes: readonly number[], keepdims = 1): string {
    return axes.length === 0 ? value : this.op("ReduceSum", [value, this.ints(axes)], { keepdims });
  }

  /** `value` in the shape of the value `like`. */
  reshapeLike(value: string, like: string): string {
    return this.op("Reshape", [value, this.op("Shape", [like])]);
  }

  /** `value` repeated to the shape of the value `like`. */
  expandLike(value: string, like: string): string {
    return this.op("Expand", [value, this.op("Shape", [like])]);
  }

  /** 1 where the boolean `mask` holds, else 0. */
  indicator(mask: string): string {
    return this.op("Cast", [mask], { to: DataType.FLOAT });
  }

  #constant(key: string, make: () => Tensor): string {
    const known = this.#constants.get(key);
    if (known !== undefined) return known;
    const name = this.#fresh("constant");
    this.#graph.initializer.push(toTensorProto(name, make()));
    this.#constants.set(key, name);
    return name;
  }

  #fresh(wish: string): string {
    let name: string;
    do name = `${PREFIX}_${wish}_${this.#count++}`;
    while (this.#taken.has(name));
    this.#taken.add(name);
    return name;
  }
}
