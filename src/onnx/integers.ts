/** Integers that networks compute with sizes: what Shape gives, gathered, multiplied, joined to the shape of a Reshape. */
import { intAttribute } from "./editing.js";
import { TensorProto_DataType as DataType, type NodeProto } from "./gen/onnx_pb.js";
import { fromTensorProto } from "./proto.js";
import type { Tensor } from "./tensor.js";

/** A scalar or list; longer tensors are no sizes. */
export interface Integers {
  isScalar: boolean;
  values: readonly number[];
}

const MAX_LENGTH = 32;

/** The integers of a constant; undefined if it holds something else, or too much. */
export function integersOf({ type, dims, data }: Tensor): Integers | undefined {
  const isInteger = type === "int64" || type === "int32" || type === "bool";
  if (!isInteger || dims.length > 1 || data.length > MAX_LENGTH) return undefined;
  return { isScalar: dims.length === 0, values: Array.from(data as BigInt64Array, Number) };
}

type Operator = (node: NodeProto, inputs: readonly Integers[]) => Integers | undefined;

/** The result of `node`, if it is one of the operators on sizes, and `find` knows the integers of all its inputs. */
export function computeIntegers(node: NodeProto, find: (name: string) => Integers | undefined): Integers | undefined {
  const operator = OPERATORS[node.opType];
  const inputs = operator && node.input.map(find).filter((each) => each !== undefined);
  return inputs?.length === node.input.length ? operator?.(node, inputs) : undefined;
}

/** The sizes `dims` as Shape gives them. */
export function shapeIntegers(node: NodeProto, dims: readonly (number | undefined)[]): Integers | undefined {
  const values = dims.slice(intAttribute(node, "start", 0), intAttribute(node, "end", dims.length));
  const known = values.filter((size) => size !== undefined);
  return known.length === values.length ? { isScalar: false, values: known } : undefined;
}

const list = (values: readonly number[]): Integers => ({ isScalar: false, values });

function elementwise(f: (...values: number[]) => number): Operator {
  return (_node, inputs) => {
    const length = Math.max(...inputs.map(({ values }) => values.length));
    const at = ({ values }: Integers, i: number) => values[values.length === 1 ? 0 : i] as number;
    const values = Array.from({ length }, (_, i) => f(...inputs.map((each) => at(each, i))));
    return { isScalar: inputs.every(({ isScalar }) => isScalar), values };
  };
}

const gather: Operator = (_node, [data, indices]) => {
  if (data === undefined || indices === undefined) return undefined;
  const values = indices.values.map((index) => data.values.at(index) as number);
  return { isScalar: indices.isScalar, values };
};

const slice: Operator = (_node, [data, starts, ends, , steps]) => {
  if (data === undefined || starts?.values.length !== 1 || ends?.values.length !== 1) return undefined;
  return (steps?.values[0] ?? 1) === 1 ? list(data.values.slice(starts.values[0], ends.values[0])) : undefined;
};

const reshape: Operator = (_node, [data, shape]) =>
  data && shape && { isScalar: shape.values.length === 0, values: data.values };

const constantOfShape: Operator = (node, [shape]) => {
  const fill = node.attribute.find(({ name }) => name === "value")?.t;
  const value = fill && integersOf(fromTensorProto(fill))?.values[0];
  const length = shape?.values.length === 1 ? (shape.values[0] as number) : MAX_LENGTH + 1;
  return value !== undefined && length <= MAX_LENGTH ? list(new Array(length).fill(value)) : undefined;
};

const same: Operator = (_node, [data]) => data;

const cast: Operator = (node, [data]) => {
  const to = intAttribute(node, "to", DataType.FLOAT);
  return to === DataType.INT64 || to === DataType.INT32 || to === DataType.BOOL ? data : undefined;
};

const OPERATORS: Readonly<Partial<Record<string, Operator>>> = {
  Identity: same,
  Cast: cast,
  Concat: (_node, inputs) => list(inputs.flatMap(({ values }) => values)),
  Unsqueeze: (_node, [data]) => data && list(data.values),
  Squeeze: (_node, [data]) => data && { isScalar: true, values: data.values },
  Reshape: reshape,
  Gather: gather,
  Slice: slice,
  Add: elementwise((a, b) => a + b),
  Sub: elementwise((a, b) => a - b),
  Mul: elementwise((a, b) => a * b),
  Div: elementwise((a, b) => Math.trunc(a / b)),
  Equal: elementwise((a, b) => Number(a === b)),
  Where: elementwise((condition, a, b) => (condition ? a : b)),
  ConstantOfShape: constantOfShape,
};
