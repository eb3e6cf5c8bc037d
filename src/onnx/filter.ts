/** The weights of one axis of the addon's resize, computed in the graph from the picture's size (native/filter_table.cc). */
import type { Appender } from "./editing.js";
import { TensorProto_DataType as DataType } from "./gen/onnx_pb.js";
import { float32, int64 } from "./tensor.js";

/** `antialias` as Pillow shrinks, `plain` as tf.image.resize (two neighbours, whatever the scale). */
export type ResizeMode = "antialias" | "plain";

/** Names of values: result i is the sum over k < taps of `weights[k, i] * sample[start[i] + k]`. */
export interface Filter {
  /** Scalar float64. */
  taps: string;
  /** `[size]` int64. */
  start: string;
  /** `[taps, size, 1]` float64, whole: Q16 that adds up to 65535 for each i. */
  weights: string;
}

/**
 * The samples of a result before all results get the same number of taps: values `[size, 1]` float64 and the shares of
 * samples.
 */
interface Window {
  first: string;
  end: string;
  /** Shares of samples `x` `[size, taps]`, not normalised; used only for first <= x < end. */
  share(x: string): string;
}

const WEIGHT_SUM = 65535;

/**
 * The filter from `length` (scalar int64) samples to `size` results. With float64 and the addon's order of operations
 * the rounded weights are the same: it adds from the first sample to the last, as CumSum does.
 */
export function appendFilter(append: Appender, length: string, size: number, mode: ResizeMode): Filter {
  const { double, node } = float64(append);
  const source = node("Cast", [length], { to: DataType.DOUBLE });
  const makeWindow = mode === "antialias" ? triangle : nearestTwo;
  const { first, end, share } = makeWindow(append, source, size);
  const taps = node("ReduceMax", [node("Sub", [end, first])], { keepdims: 0 });
  const start = node("Min", [first, node("Sub", [source, taps])]);
  const x = node("Add", [start, node("Range", [double(0), taps, double(1)])]);
  const zero = double(0);
  const before = node("Where", [node("Less", [x, first]), zero, share(x)]);
  const shares = node("Where", [node("Less", [x, end]), before, zero]);
  const row = append.constant("row", int64([], [1]));
  const sums = node("CumSum", [shares, row]);
  const total = node("Gather", [sums, append.constant("last", int64([1], [-1]))], { axis: 1 });
  const exact = node("Mul", [node("Div", [shares, total]), double(WEIGHT_SUM)]);
  // The rounding error is carried from tap to tap: a weight is the difference of two rounded sums.
  const rounded = (exclusive: number) =>
    node("Floor", [node("Add", [node("CumSum", [exact, row], { exclusive }), double(0.5)])]);
  const weights = node("Transpose", [node("Sub", [rounded(0), rounded(1)])], { perm: [1, 0] });
  return {
    taps,
    start: node("Reshape", [node("Cast", [start], { to: DataType.INT64 }), append.constant("flat", int64([1], [-1]))]),
    weights: node("Reshape", [weights, append.constant("column", int64([3], [0, 0, 1]))]),
  };
}

/** A triangle as wide as two result pixels (two source pixels if the picture grows), cut at the border. */
function triangle(append: Appender, source: string, size: number): Window {
  const { double, doubles, node } = float64(append);
  const scale = node("Div", [source, double(size)]);
  const radius = node("Max", [scale, double(1)]);
  const center = node("Mul", [doubles(middles(size)), scale]);
  const left = node("Add", [node("Sub", [center, radius]), double(0.5)]);
  const right = node("Add", [node("Add", [center, radius]), double(0.5)]);
  return {
    first: node("Floor", [node("Max", [left, double(0)])]),
    end: node("Min", [node("Floor", [right]), source]),
    share: (x) => {
      const distance = node("Abs", [node("Sub", [node("Add", [x, double(0.5)]), center])]);
      return node("Max", [node("Sub", [double(1), node("Div", [distance, radius])]), double(0)]);
    },
  };
}

/** The two nearest samples at half-pixel centres; at the border one of them alone. */
function nearestTwo(append: Appender, source: string, size: number): Window {
  const { double, doubles, node } = float64(append);
  const scaled = node("Div", [node("Mul", [doubles(middles(size)), source]), double(size)]);
  const position = node("Sub", [scaled, double(0.5)]);
  const floor = node("Floor", [position]);
  const one = double(1);
  const last = node("Sub", [source, one]);
  const clamp = (value: string) => node("Min", [node("Max", [value, double(0)]), last]);
  const [low, high] = [clamp(floor), clamp(node("Add", [floor, one]))];
  const ofHigh = node("Where", [node("Less", [low, high]), node("Sub", [position, floor]), one]);
  const ofLow = node("Sub", [one, ofHigh]);
  return {
    first: low,
    end: node("Add", [high, one]),
    share: (x) => node("Where", [node("Less", [x, high]), ofLow, ofHigh]),
  };
}

function middles(size: number): Float32Array {
  return Float32Array.from({ length: size }, (_, i) => i + 0.5);
}

/** Float64 constants, from float32 that holds them exactly. */
export function float64({ node, constant }: Appender) {
  const cast = (name: string) => node("Cast", [name], { to: DataType.DOUBLE });
  return {
    node,
    double: (value: number) => cast(constant("number", float32([], [value]))),
    doubles: (values: Float32Array) => cast(constant("numbers", float32([values.length, 1], values))),
  };
}
