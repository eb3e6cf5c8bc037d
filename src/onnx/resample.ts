/**
 * The addon's bilinear resize as ONNX nodes, bit for bit (native/resize_kernels.cc): the same Q16 weights, the same
 * truncation of products, first along rows, 8.8 fixed point between the passes. All numbers are whole and small enough
 * for their float type, so that sums are exact in any order.
 */
import { type Appender, subgraph } from "./editing.js";
import { appendFilter, type Filter, float64, type ResizeMode } from "./filter.js";
import { TensorProto_DataType as DataType } from "./gen/onnx_pb.js";
import { bool, int64 } from "./tensor.js";

/** Up to so many taps each product is truncated; products of more taps are summed first (kShortTaps). */
const SHORT_TAPS = 12;

/**
 * Nodes that resize `tiles` (uint8 `[N, H, W, 3]`) to `[N, 3, size, size]` float32 with whole values 0..255, equal to
 * the addon's `resizeRgb`. Tiles of that size pass unchanged, without arithmetic. Returns the result's name.
 */
export function appendResize(append: Appender, tiles: string, size: number, mode: ResizeMode): string {
  const shape = append.node("Shape", [tiles]);
  const side = (axis: number) => append.node("Gather", [shape, append.constant(`axis${axis}`, int64([], [axis]))]);
  const [height, width] = [side(1), side(2)];
  const wanted = append.constant("size", int64([], [size]));
  const fits = append.node("And", [append.node("Equal", [height, wanted]), append.node("Equal", [width, wanted])]);
  const pixels = append.node("If", [fits], {
    then_branch: subgraph(append, "fits", {}, (inner) => {
      const planes = inner.node("Transpose", [tiles], { perm: [0, 3, 1, 2] });
      return [inner.node("Cast", [planes], { to: DataType.FLOAT })];
    }),
    else_branch: subgraph(append, "resize", {}, (inner) => {
      const horizontal = appendFilter(inner, width, size, mode);
      const vertical = appendFilter(inner, height, size, mode);
      return [resize(inner, tiles, horizontal, vertical, size)];
    }),
  });
  // Neither readers nor optimisers know the shape of an If's result.
  return append.node("Reshape", [pixels, append.constant("square", int64([4], [-1, 3, size, size]))]);
}

/**
 * Rows, then columns, each time along an axis before others, so that each weight is multiplied with a whole run of
 * samples.
 */
function resize(append: Appender, tiles: string, horizontal: Filter, vertical: Filter, size: number): string {
  const reshape = (value: string, sizes: readonly number[]) =>
    append.node("Reshape", [value, append.constant("shape", int64([sizes.length], sizes))]);
  const byColumn = reshape(append.node("Transpose", [tiles], { perm: [0, 2, 3, 1] }), [0, 0, -1]);
  const across = applyFilter(append, byColumn, { filter: horizontal, axis: 1, type: DataType.FLOAT, bits: 8, cut: 8 });
  const byRow = reshape(append.node("Transpose", [across], { perm: [0, 2, 1] }), [0, 3, -1, size]);
  const down = applyFilter(append, byRow, { filter: vertical, axis: 2, type: DataType.DOUBLE, bits: 24, cut: 16 });
  return append.node("Cast", [down], { to: DataType.FLOAT });
}

interface Pass {
  filter: Filter;
  /** The axis of the samples that is filtered. */
  axis: number;
  /** Type that holds the sums: up to 2^24 along rows, 2^32 along columns. */
  type: DataType;
  /** Bits dropped in all. */
  bits: number;
  /** Of these, how many each product loses at once if there are few taps. */
  cut: number;
}

/** The inputs of a Loop's body. */
const LOOP = { tap: "int64", more: "bool", sum: undefined } as const;

/** `[..., length, ...]` whole samples to `[..., size, ...]` whole results of `pass.type`. */
function applyFilter(append: Appender, samples: string, pass: Pass): string {
  const { filter, axis, type, bits, cut } = pass;
  const { double, node } = float64(append);
  const few = node("Less", [filter.taps, double(SHORT_TAPS + 1)]);
  const either = (short: string, long: string) => node("Where", [few, short, long]);
  const typed = (value: string) => node("Cast", [value], { to: type });
  const left = bits - cut;
  // Half of what is dropped at the end, and half a unit for each truncated product.
  const half = left === 0 ? 0 : 2 ** (left - 1);
  const compensation = node("Floor", [node("Mul", [filter.taps, double(0.5)])]);
  const bias = typed(either(node("Add", [compensation, double(half)]), double(2 ** (bits - 1))));
  const unit = typed(either(double(2 ** -left), double(2 ** -bits)));
  const weights = typed(node("Mul", [filter.weights, either(double(2 ** -cut), double(1))]));
  const count = node("Cast", [filter.taps], { to: DataType.INT64 });
  const goOn = append.constant("go_on", bool(true));
  const body = subgraph(append, `axis${axis}`, LOOP, (inner, { tap, more, sum }) => {
    const places = inner.node("Add", [filter.start, tap]);
    const some = inner.node("Cast", [inner.node("Gather", [samples, places], { axis })], { to: type });
    const product = inner.node("Mul", [some, inner.node("Gather", [weights, tap], { axis: 0 })]);
    return [inner.node("Identity", [more]), inner.node("Add", [sum, inner.node("Floor", [product])])];
  });
  const sum = node("Loop", [count, goOn, bias], { body });
  return node("Floor", [node("Mul", [sum, unit])]);
}
