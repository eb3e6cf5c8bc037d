/** Arrays of float64 in row-major order, for the reference evaluator. */
import { elementCount } from "../../src/onnx/tensor.js";

export interface NdArray {
  dims: readonly number[];
  data: Float64Array;
}

export type Place = readonly number[];

/** The array of `dims` whose value at each place is `at(place)`. */
export function build(dims: readonly number[], at: (place: Place) => number): NdArray {
  const data = new Float64Array(elementCount(dims));
  const place = dims.map(() => 0);
  for (let i = 0; i < data.length; i++) {
    data[i] = at(place);
    for (let axis = dims.length - 1; axis >= 0 && ++place[axis] === dims[axis]; axis--) place[axis] = 0;
  }
  return { dims, data };
}

/** Each place of `dims`, in row-major order. */
export function places(dims: readonly number[]): Place[] {
  const all: Place[] = [];
  build(dims, (place) => all.push([...place]));
  return all;
}

/** The value at `place`; axes of size 1, and axes that are missing in front, are repeated. */
export function get({ dims, data }: NdArray, place: Place): number {
  let flat = 0;
  const skipped = place.length - dims.length;
  for (const [axis, size] of dims.entries()) flat = flat * size + (size === 1 ? 0 : place[axis + skipped]);
  return data[flat];
}

/** The value at `place`, `outside` beyond the array. */
export function getPadded(array: NdArray, place: Place, outside: number): number {
  return place.every((at, axis) => at >= 0 && at < array.dims[axis]) ? get(array, place) : outside;
}

export function broadcastDims(all: readonly (readonly number[])[]): number[] {
  const rank = Math.max(...all.map(({ length }) => length));
  return Array.from({ length: rank }, (_, axis) =>
    Math.max(...all.map((dims) => dims[axis - rank + dims.length] ?? 1)),
  );
}

/** `place` with `value` along `axis`. */
export function moved(place: Place, axis: number, value: number): number[] {
  return place.map((at, i) => (i === axis ? value : at));
}
