/** Medians and quartiles of measurements. */

export interface Summary {
  median: number;
  /** First and third quartile. */
  low: number;
  high: number;
}

export function summarize(values: readonly number[]): Summary {
  const sorted = [...values].sort((a, b) => a - b);
  return { median: quantile(sorted, 0.5), low: quantile(sorted, 0.25), high: quantile(sorted, 0.75) };
}

export function median(values: readonly number[]): number {
  return summarize(values).median;
}

/** Interpolated linearly between the two nearest, as NumPy does. */
function quantile(sorted: readonly number[], share: number): number {
  const position = (sorted.length - 1) * share;
  const below = Math.floor(position);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below] + (sorted[above] - sorted[below]) * (position - below);
}

/** To four significant digits: more would be noise. */
export function roughly(value: number): number {
  return Number(value.toPrecision(4));
}
