/** A plan in the making, and what rules for operators share. */
import type { NativeOperation, NativeParameter } from "../native-trainer.js";
import { constantTensor, type GraphIndex } from "../onnx/editing.js";
import type { NodeProto } from "../onnx/gen/onnx_pb.js";

/** Prepared tiles: what the network sees of a pixel's channel c is `pixel[order[c]] * factor[c] + offset[c]`. */
export interface PixelValue {
  kind: "pixels";
  layout: "NHWC" | "NCHW";
  order: readonly number[];
  factor: readonly number[];
  offset: readonly number[];
}

/** Stored floats of each tile. */
export interface StoredValue {
  kind: "stored";
  /** The first, and how many. */
  offset: number;
  count: number;
}

/** A map of the plan; `isFlat` if ONNX sees `[N, C]` instead of `[N, C, H, W]`. */
export interface MapValue {
  kind: "map";
  index: number;
  isFlat: boolean;
}

type PlanValue = PixelValue | StoredValue | MapValue;

/** A weight of the network, and its place among the plan's parameters. */
export interface PlanParameter extends NativeParameter {
  name: string;
  data: Float32Array;
}

/** A plan in the making. */
export interface Planner {
  index: GraphIndex;
  trainable: ReadonlySet<string>;
  /** By name in the graph. */
  values: Map<string, PlanValue>;
  /** Height, width and channels. */
  maps: [number, number, number][];
  parameters: PlanParameter[];
  operations: NativeOperation[];
  input: PixelValue | undefined;
}

/** The native trainer cannot run a network; the message says why. */
export class NotNativeError extends Error {}

/** Adds what `node` needs to the plan, and returns what its output is. */
export type NativeRule = (planner: Planner, node: NodeProto) => PlanValue;

/** The input `at` of `node`, which must be a map. */
export function mapInput(planner: Planner, node: NodeProto, at = 0): MapValue {
  const value = planner.values.get(node.input[at] ?? "");
  if (value?.kind !== "map") throw notNative(node, "reads what is no map of a layer");
  return value;
}

export function notNative(node: NodeProto, what: string): NotNativeError {
  return new NotNativeError(`node "${node.name}" (${node.opType}) ${what}`);
}

/** A new map that `operation` makes. */
export function addOperation(
  planner: Planner,
  shape: readonly [number, number, number],
  operation: Omit<NativeOperation, "output">,
): number {
  const output = planner.maps.push([...shape]) - 1;
  planner.operations.push({ ...operation, output });
  return output;
}

export function shapeOf(planner: Planner, { index }: MapValue): [number, number, number] {
  return planner.maps[index];
}

export function floatAttribute(node: NodeProto, name: string, fallback: number): number {
  return node.attribute.find((each) => each.name === name)?.f ?? fallback;
}

/** The float32 constant `name`; undefined if it is none. */
export function floatConstant(
  planner: Planner,
  name: string,
): { dims: readonly number[]; data: Float32Array } | undefined {
  const tensor = constantTensor(planner.index, name);
  return tensor?.type === "float32" ? { dims: tensor.dims, data: tensor.data as Float32Array } : undefined;
}
