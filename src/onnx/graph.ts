/**
 * GraphBuilder: writes an ONNX model node by node. Values are names; every method that makes one returns its name, so that graphs read
 * like the formulas they compute:
 *
 *     const graph = new GraphBuilder("head");
 *     const x = graph.input("x", "float32", ["N", 1280]);
 *     const w = graph.initializer("w", float32([1280, 17], weights));
 *     graph.output("logits", graph.node("MatMul", [x, w]), "float32", ["N", 17]);
 *     const bytes = graph.build();
 */
import { create } from "@bufbuild/protobuf";
import {
  type AttributeProto,
  AttributeProtoSchema,
  TensorProto_DataType as DataType,
  type GraphProto,
  GraphProtoSchema,
  AttributeProto_AttributeType as Kind,
  ModelProtoSchema,
  NodeProtoSchema,
  StringStringEntryProtoSchema,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from "./gen/onnx_pb.js";
import { encodeModel, toDataType, toTensorProto } from "./proto.js";
import { checkTensor, type ElementType, type Tensor } from "./tensor.js";

/** A number is an ONNX int, an array of numbers ints; floats are marked, because `alpha: 1` would be ambiguous. */
type AttributeValue =
  | number
  | readonly number[]
  | string
  | { float: number }
  | { floats: readonly number[] }
  | Tensor
  | GraphProto;

export type Attributes = Readonly<Record<string, AttributeValue>>;

/** Sizes by number, free ones by name: `["N", 3, "H", "W"]`. */
export type Shape = readonly (number | string)[];

export interface GraphOptions {
  /** Version of the default operator set. @default 17 */
  opset?: number;
  /** Written to the model's metadata. @default {} */
  metadata?: Readonly<Record<string, string>>;
}

const IR_VERSION = 8n;
const DEFAULT_OPSET = 17;

export class GraphBuilder {
  readonly #graph: GraphProto;
  readonly #names = new Set<string>();
  readonly #options: GraphOptions;

  constructor(name: string, options: GraphOptions = {}) {
    this.#graph = create(GraphProtoSchema, { name });
    this.#options = options;
  }

  /** Declares a graph input and returns its name. */
  input(name: string, type: ElementType, shape: Shape): string {
    this.#graph.input.push(valueInfo(this.#claim(name), type, shape));
    return name;
  }

  /** Adds a constant and returns its name. */
  initializer(name: string, tensor: Tensor): string {
    this.#graph.initializer.push(toTensorProto(this.#claim(name), checkTensor(tensor)));
    return name;
  }

  /** Adds a node with one output and returns that output's name: `name`, or one made from the operator. */
  node(op: string, inputs: readonly string[], attributes: Attributes = {}, name?: string): string {
    return this.nodes(op, inputs, [name ?? this.#freshName(op)], attributes)[0] as string;
  }

  /** Adds a node with several named outputs ("" leaves one out) and returns their names. */
  nodes(op: string, inputs: readonly string[], outputs: readonly string[], attributes: Attributes = {}): string[] {
    for (const input of inputs) {
      if (input !== "" && !this.#names.has(input)) {
        throw new RangeError(
          `Expected the inputs of ${op} to be values of graph "${this.#graph.name}", got "${input}".`,
        );
      }
    }
    for (const output of outputs) if (output !== "") this.#claim(output);
    this.#graph.node.push(makeNode(op, inputs, outputs, attributes));
    return [...outputs];
  }

  /** Makes `value` a graph output called `name` (through Identity if the names differ) and returns `name`. */
  output(name: string, value: string, type: ElementType, shape: Shape): string {
    if (value !== name) this.node("Identity", [value], {}, name);
    else if (!this.#names.has(value)) throw new RangeError(`Expected "${value}" to be a value of the graph.`);
    this.#graph.output.push(valueInfo(name, type, shape));
    return name;
  }

  /** Bytes of the finished model. */
  build(): Uint8Array {
    const { opset = DEFAULT_OPSET, metadata = {} } = this.#options;
    return encodeModel(
      create(ModelProtoSchema, {
        irVersion: IR_VERSION,
        producerName: "canopy",
        opsetImport: [{ domain: "", version: BigInt(opset) }],
        graph: this.#graph,
        metadataProps: Object.entries(metadata).map(([key, value]) =>
          create(StringStringEntryProtoSchema, { key, value }),
        ),
      }),
    );
  }

  #claim(name: string): string {
    if (name === "" || this.#names.has(name)) {
      throw new RangeError(`Expected a new, non-empty name in graph "${this.#graph.name}", got "${name}".`);
    }
    this.#names.add(name);
    return name;
  }

  #freshName(op: string): string {
    let count = this.#graph.node.length;
    while (this.#names.has(`${op}_${count}`)) count++;
    return `${op}_${count}`;
  }
}

/** A NodeProto of the default domain, named after its first output. */
export function makeNode(op: string, input: readonly string[], output: readonly string[], attributes: Attributes = {}) {
  return create(NodeProtoSchema, {
    opType: op,
    name: output[0] ?? "",
    input: [...input],
    output: [...output],
    attribute: Object.entries(attributes).map(([name, value]) => makeAttribute(name, value)),
  });
}

/** A ValueInfoProto of `type` and `shape`. */
export function valueInfo(name: string, type: ElementType | "string", shape: Shape): ValueInfoProto {
  const dim = shape.map((size) =>
    typeof size === "number"
      ? { value: { case: "dimValue" as const, value: BigInt(size) } }
      : { value: { case: "dimParam" as const, value: size } },
  );
  return create(ValueInfoProtoSchema, {
    name,
    type: { tensorType: { elemType: type === "string" ? DataType.STRING : toDataType(type), shape: { dim } } },
  });
}

function makeAttribute(name: string, value: AttributeValue): AttributeProto {
  const make = (fields: object) => create(AttributeProtoSchema, { name, ...fields });
  if (typeof value === "string") return make({ type: Kind.STRING, s: new TextEncoder().encode(value) });
  if (typeof value === "number") return make({ type: Kind.INT, i: toInt(name, value) });
  if ("float" in value) return make({ type: Kind.FLOAT, f: value.float });
  if ("floats" in value) return make({ type: Kind.FLOATS, floats: [...value.floats] });
  if ("node" in value) return make({ type: Kind.GRAPH, g: value });
  if ("data" in value) return make({ type: Kind.TENSOR, t: toTensorProto("", checkTensor(value)) });
  return make({ type: Kind.INTS, ints: value.map((each) => toInt(name, each)) });
}

function toInt(name: string, value: number): bigint {
  if (!Number.isSafeInteger(value)) {
    throw new TypeError(`Expected attribute \`${name}\` to be an integer or { float: number }, got ${value}.`);
  }
  return BigInt(value);
}
