/** Ranges of values, and the integers that stand for them. */
/** Least and greatest value, 0 included. */
export type Range = [low: number, high: number];

/** What a network's values may be, by their names in the prepared and folded graph. */
export type Ranges = Record<string, Range>;

/** The integers 0 to 255 stand for `(integer - zeroPoint) * scale`. */
export interface Scale {
  scale: number;
  zeroPoint: number;
}

/** Scale and zero point for all values of a range, and 0, which is exact. */
export function scaleOf([low, high]: Range): Scale {
  const from = Math.min(low, 0);
  const to = Math.max(high, 0);
  // As float32, because that is what the file holds.
  const scale = Math.fround((to - from) / 255) || 1;
  return { scale, zeroPoint: Math.min(255, Math.round(-from / scale)) };
}

/**
 * Ranges over the tiles of `rows` `[tiles, 2 * names.length]` (see observingModel).
 */
export function rangesOf(names: readonly string[], rows: Float32Array): Record<string, Range> {
  const width = 2 * names.length;
  const found = names.map((name, i): [string, Range] => {
    let [low, high] = [0, 0];
    for (let at = i; at < rows.length; at += width) {
      low = Math.min(low, rows[at]);
      high = Math.max(high, rows[at + names.length]);
    }
    return [name, [low, high]];
  });
  return Object.fromEntries(found);
}
