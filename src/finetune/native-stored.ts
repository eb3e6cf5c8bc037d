/** The stored floats of each tile, with which the upper part of a split network begins (see splitNetwork). */
import { constantTensor } from "../onnx/editing.js";
import type { NodeProto } from "../onnx/gen/onnx_pb.js";
import { addOperation, type MapValue, notNative, type Planner, type StoredValue } from "./native-planner.js";

/** Some of the floats. */
export function sliceStored(planner: Planner, node: NodeProto): StoredValue {
  const { offset } = storedInput(planner, node);
  const [start, end, axis] = [1, 2, 3].map((at) => numbersOf(planner, node, at)[0]);
  if (axis !== 1) throw notNative(node, "takes other than some floats of every tile");
  return { kind: "stored", offset: offset + start, count: end - start };
}

/** A map, or features. */
export function reshapeStored(planner: Planner, node: NodeProto): MapValue {
  const { offset, count } = storedInput(planner, node);
  const [, channels, height = 1, width = 1, ...rest] = numbersOf(planner, node, 1);
  const rank = numbersOf(planner, node, 1).length;
  if (rest.length > 0 || rank === 3 || channels * height * width !== count) {
    throw notNative(node, "makes what is neither a map nor features");
  }
  const index = addOperation(planner, [height, width, channels], { kind: "stored", inputs: [0], offset });
  return { kind: "map", index, isFlat: rank === 2 };
}

function storedInput(planner: Planner, node: NodeProto): StoredValue {
  const value = planner.values.get(node.input[0] ?? "");
  if (value?.kind !== "stored")
    throw notNative(node, "stands behind the first layer, where the native trainer has no such operator");
  return value;
}

function numbersOf(planner: Planner, node: NodeProto, at: number): number[] {
  return Array.from(constantTensor(planner.index, node.input[at] ?? "")?.data ?? [], Number);
}
