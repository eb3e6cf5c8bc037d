/** A network that gives, instead of its features, the range of each value that quantisation would round. */
import { appender, freshName, vacateName } from "../onnx/editing.js";
import { makeNode, valueInfo } from "../onnx/graph.js";
import { FEATURES, TILES } from "../onnx/prepare.js";
import { encodeModel, opsetOf } from "../onnx/proto.js";
import { int64 } from "../onnx/tensor.js";
import { planPrepared } from "./quantise.js";

export interface Observing {
  /**
   * `tiles` as the backbone takes them; `features` float32 `[N, 2 * names.length]`: the least of each value, then the
   * greatest, over all tiles of the run; all rows are the same.
   */
  model: Uint8Array;
  names: string[];
}

/** From this operator set on the axes of a reduction are an input. */
const AXES_AS_INPUT = 18;

/** For the prepared backbone `prepared`. @throws ModelError if nothing in it can be quantised */
export function observingModel(prepared: Uint8Array): Observing {
  const { model, plan, pixels } = planPrepared(prepared);
  const { graph } = model;
  const names = [...plan.values].flatMap(([name, { kind }]) =>
    kind === "moved" || name === pixels?.name ? [] : [name],
  );
  const append = appender(graph, "canopy_range");
  const row = append.constant("range_row", int64([2], [1, -1]));
  const axes = append.constant("range_axes", int64([1], [1]));
  const isInput = opsetOf(model) >= AXES_AS_INPUT;
  const reduce = (operator: string, values: string) =>
    isInput ? append.node(operator, [values, axes]) : append.node(operator, [values], { axes: [1] });
  // Tiles may be along any axis, as in windows or tokens of a transformer.
  const flat = names.map((name) => append.node("Reshape", [name, row]));
  const extremes = ["ReduceMin", "ReduceMax"].flatMap((operator) => flat.map((values) => reduce(operator, values)));
  const zero = append.constant("range_first", int64([1], [0]));
  const count = append.constant("range_count", int64([1], [2 * names.length]));
  const shape = append.node("Concat", [append.node("Gather", [append.node("Shape", [TILES]), zero]), count], {
    axis: 0,
  });
  const all = append.node("Concat", extremes, { axis: 1 });
  // The old features keep another name, because a range of theirs may be asked for.
  vacateName(graph, FEATURES);
  const last = makeNode("Expand", [all, shape], [FEATURES]);
  last.name = freshName(graph, "canopy_ranges");
  graph.node.push(...append.nodes, last);
  graph.output = [valueInfo(FEATURES, "float32", ["N", 2 * names.length])];
  return { model: encodeModel(model), names };
}
