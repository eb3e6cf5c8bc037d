/** Operators that move values without changing them. */
import { intAttribute, intsAttribute, stringAttribute } from "../onnx/editing.js";
import { TensorProto_DataType as DataType } from "../onnx/gen/onnx_pb.js";
import { inferNumbers } from "../onnx/shapes.js";
import { constantInput, dimsOf, fail, fromFront, inputOf, type Rule, type Site, sizeOf } from "./rule.js";

export const identity: Rule = ({ dy }) => [dy];

/** Reshape, Flatten, Squeeze, Unsqueeze: back to the shape of the input. */
export const reshape: Rule = (site) => [site.emit.reshapeLike(site.dy, inputOf(site, 0))];

export const transpose: Rule = (site) => {
  const rank = dimsOf(site, inputOf(site, 0)).length;
  const perm = intsAttribute(site.node, "perm") ?? Array.from({ length: rank }, (_, axis) => rank - 1 - axis);
  return [site.emit.op("Transpose", [site.dy], { perm: perm.map((_, axis) => perm.indexOf(axis)) })];
};

/** To float32 alone. */
export const cast: Rule = ({ node, dy }) => {
  const to = intAttribute(node, "to", DataType.FLOAT);
  if (to !== DataType.FLOAT) fail(node, "it leaves float32");
  return [dy];
};

/** Each input gets its part. */
export const concat: Rule = (site) => {
  const { node, emit, dy } = site;
  const axis = fromFront(intAttribute(node, "axis", 0), dimsOf(site, node.output[0]).length);
  let end = 0;
  return node.input.map((name, at) => {
    const start = end;
    end += sizeOf(site, name, axis);
    return site.wants(at) ? emit.op("Slice", [dy, emit.ints([start]), emit.ints([end]), emit.ints([axis])]) : undefined;
  });
};

/** Parts that nothing depends on count as zeros. */
export const split: Rule = (site) => {
  const { node, emit, gradients } = site;
  const axis = fromFront(intAttribute(node, "axis", 0), dimsOf(site, inputOf(site, 0)).length);
  const parts = node.output.map((name, at) => gradients[at] ?? emit.op("Mul", [name, 0]));
  return [parts.length === 1 ? parts[0] : emit.op("Concat", parts, { axis })];
};

/** Zeros where nothing was taken. */
export const slice: Rule = (site) => {
  const x = inputOf(site, 0);
  const rank = dimsOf(site, x).length;
  const [starts, ends] = [constantInput(site, 1) ?? [], constantInput(site, 2) ?? []];
  const axes = (constantInput(site, 3) ?? starts.map((_, axis) => axis)).map((axis) => fromFront(axis, rank));
  const steps = constantInput(site, 4) ?? axes.map(() => 1);
  const cuts = axes.map((axis, i) => takenAlong(site, axis, starts[i], ends[i], steps[i]));
  return [cuts.reduce((value, taken, i) => scatter(site, value, axes[i], taken), site.dy)];
};

/** The places along `axis` that a slice takes, in its order; undefined if it takes all. */
function takenAlong(site: Site, axis: number, start: number, end: number, step: number): number[] | undefined {
  if (start === 0 && end >= 2 ** 31 - 1 && step === 1) return undefined;
  const size = sizeOf(site, inputOf(site, 0), axis);
  const clamp = (place: number, low: number, high: number) =>
    Math.min(high, Math.max(low, place < 0 ? place + size : place));
  const [from, to] =
    step > 0 ? [clamp(start, 0, size), clamp(end, 0, size)] : [clamp(start, 0, size - 1), clamp(end, -1, size - 1)];
  const count = Math.max(0, Math.ceil((to - from) / step));
  const isAll = count === size && step === 1;
  return isAll ? undefined : Array.from({ length: count }, (_, i) => from + i * step);
}

/** `value`, whose axis `axis` holds the places `taken` of the input, added up in the input's size along that axis. */
function scatter(site: Site, value: string, axis: number, taken: readonly number[] | undefined): string {
  if (taken === undefined) return value;
  const size = sizeOf(site, inputOf(site, 0), axis);
  const rank = dimsOf(site, inputOf(site, 0)).length;
  const isRun = taken.every((place, i) => place === taken[0] + i);
  if (isRun && taken.length > 0) return padded(site, value, rank, axis, taken[0], size - taken[0] - taken.length);
  const selection = new Float32Array(taken.length * size);
  for (const [i, place] of taken.entries()) selection[i * size + place] += 1;
  return alongAxis(site, value, rank, axis, site.emit.floats([taken.length, size], selection));
}

function padded({ emit }: Site, value: string, rank: number, axis: number, before: number, after: number): string {
  const pads = new Array<number>(2 * rank).fill(0);
  pads[axis] = before;
  pads[axis + rank] = after;
  return emit.op("Pad", [value, emit.ints(pads)]);
}

/** `value` times `matrix` along `axis`. */
export function alongAxis({ emit }: Site, value: string, rank: number, axis: number, matrix: string): string {
  if (axis === rank - 1) return emit.op("MatMul", [value, matrix]);
  const perm = Array.from({ length: rank }, (_, each) => each);
  perm[axis] = rank - 1;
  perm[rank - 1] = axis;
  return emit.op("Transpose", [emit.op("MatMul", [emit.op("Transpose", [value], { perm }), matrix])], { perm });
}

/** Values taken by their indices: those taken several times get the sum. */
export const gather: Rule = (site) => {
  const { node, index, dy } = site;
  const [x, indices] = [inputOf(site, 0), inputOf(site, 1)];
  const rank = dimsOf(site, x).length;
  if (rank === 1 && inferNumbers(index, indices) === undefined) return [scatterByIndex(site, indices)];
  const axis = fromFront(intAttribute(node, "axis", 0), rank);
  const size = sizeOf(site, x, axis);
  const taken = (constantInput(site, 1) ?? []).map((place) => fromFront(place, size));
  const value = dimsOf(site, indices).length === 1 ? dy : flatIndices(site, axis, taken.length);
  return [scatter(site, value, axis, taken)];
};

/** From a list, by indices that are computed: PyTorch writes views by strides like this. */
function scatterByIndex(site: Site, indices: string): string {
  const { emit, dy } = site;
  const flat = (value: string) => emit.op("Reshape", [value, emit.ints([-1])]);
  const zeros = emit.op("Mul", [inputOf(site, 0), 0]);
  return emit.op("ScatterElements", [zeros, flat(indices), flat(dy)], { axis: 0, reduction: "add" });
}

/** The gradient of a Gather with the axes of its indices as one. */
function flatIndices(site: Site, axis: number, count: number): string {
  const { emit, dy } = site;
  const x = dimsOf(site, inputOf(site, 0));
  const open = x.findIndex((size, at) => at !== axis && size === undefined);
  const sizes = x.map((size, at) =>
    at === axis ? count : (size ?? (at === open ? -1 : fail(site.node, "several of its sizes are not fixed"))),
  );
  return emit.op("Reshape", [dy, emit.ints(sizes)]);
}

/** Cuts off what was added. */
export const pad: Rule = (site) => {
  const { node, emit, dy } = site;
  const mode = stringAttribute(node, "mode") || "constant";
  if (mode !== "constant") fail(node, `its mode is ${mode}`);
  const rank = dimsOf(site, inputOf(site, 0)).length;
  const given = constantInput(site, 1) ?? [];
  const axes =
    constantInput(site, 3)?.map((axis) => fromFront(axis, rank)) ?? Array.from({ length: rank }, (_, i) => i);
  const back = new Array<number>(2 * rank).fill(0);
  for (const [i, axis] of axes.entries()) {
    back[axis] = -given[i];
    back[axis + rank] = -given[i + axes.length];
  }
  return [emit.op("Pad", [dy, emit.ints(back.map((each) => each + 0))])];
};
