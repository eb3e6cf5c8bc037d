/** Test-time augmentation as ONNX nodes: the eight flips and quarter turns of each tile, and the mean of their features. */
import type { Appender } from "./editing.js";
import type { Features } from "./surgery.js";
import { float32, int64 } from "./tensor.js";

const VIEWS = 8;
/** End of a backward Slice: before the first element, whatever the size. */
const BEFORE_START = -(2 ** 31);

/** All views of `[N, ...]` square pixels, one whole batch after the other: `[8 N, ...]`. Returns the result's name. */
export function appendViews(append: Appender, pixels: string, layout: "NCHW" | "NHWC"): string {
  const [rows, columns] = layout === "NCHW" ? [2, 3] : [1, 2];
  const perm = layout === "NCHW" ? [0, 1, 3, 2] : [0, 2, 1, 3];
  const views = [pixels, append.node("Transpose", [pixels], { perm })].flatMap((view) => {
    const flipped = reverse(append, view, columns);
    return [view, flipped, reverse(append, view, rows), reverse(append, flipped, rows)];
  });
  return append.node("Concat", views, { axis: 0 });
}

/**
 * `[8 N, count]` features of all views to their mean `[N, count]`, as a product with eighths, which works in every
 * operator set.
 */
export function averageViews(append: Appender, features: Features): string {
  const byView = append.constant("by_view", int64([2], [VIEWS, -1]));
  const stacked = append.node("Reshape", [features.output, byView]);
  const eighths = append.constant("eighths", float32([1, VIEWS], new Array(VIEWS).fill(1 / VIEWS)));
  const byTile = append.constant("by_tile", int64([2], [-1, features.count]));
  return append.node("Reshape", [append.node("MatMul", [eighths, stacked]), byTile]);
}

function reverse(append: Appender, value: string, axis: number): string {
  const one = (wish: string, number: number) => append.constant(`${wish}${axis}`, int64([1], [number]));
  const bounds = [one("last", -1), one("before", BEFORE_START), one("axis", axis), one("back", -1)];
  return append.node("Slice", [value, ...bounds]);
}
