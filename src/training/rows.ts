/** Rows of matrices: taken out, put back, and split into those to fit on and those to apply the fit to. */
import { rowsWhere } from "../tiles/split.js";

/** Rows of `[rows, columns]` float32, copied, in the order of `indices`. */
export function selectRows(values: Float32Array, columns: number, indices: ArrayLike<number>): Float32Array {
  const selected = new Float32Array(indices.length * columns);
  for (let i = 0; i < indices.length; i++) {
    selected.set(values.subarray(indices[i] * columns, (indices[i] + 1) * columns), i * columns);
  }
  return selected;
}

/** Puts `values` `[rows.length, columns]` at the places `rows`. */
export function scatterRows<T extends Float32Array | Uint8Array>(
  target: T,
  columns: number,
  rows: Uint32Array,
  values: T,
): void {
  rows.forEach((row, i) => {
    target.set(values.subarray(i * columns, (i + 1) * columns), row * columns);
  });
}

/** For each fold the rows of all others, and its own. */
export function* leaveOneOut(folds: Uint8Array): Generator<{ fold: number; others: Uint32Array; own: Uint32Array }> {
  for (const fold of [...new Set(folds)].sort((a, b) => a - b)) {
    yield { fold, others: rowsWhere(folds, (each) => each !== fold), own: rowsWhere(folds, (each) => each === fold) };
  }
}
