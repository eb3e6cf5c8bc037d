/** Thresholds for a model that was changed a little, such that it gives the tags that it gave before. */

/**
 * For each tag, the threshold on `probabilities` `[rows, thresholds.length]` with the fewest tiles whose decision differs
 * from `decisions` (the same shape); of equally good ones the nearest to the old.
 */
export function matchThresholds(
  probabilities: Float32Array,
  decisions: Uint8Array,
  thresholds: Float32Array,
): Float32Array {
  const numTags = thresholds.length;
  const rows = probabilities.length / numTags;
  return thresholds.map((old, tag) => {
    const values = Array.from({ length: rows }, (_, row): [number, number] => [
      probabilities[row * numTags + tag],
      decisions[row * numTags + tag],
    ]);
    return matchOne(values, old);
  });
}

/** `values`: probability and decision of each tile. */
function matchOne(values: [number, number][], old: number): number {
  values.sort(([a], [b]) => a - b);
  // Below all values every tile has the tag: those that had it not differ.
  let wrong = values.filter(([, decision]) => decision === 0).length;
  let [best, fewest] = [old, Number.POSITIVE_INFINITY];
  for (let i = 0; i <= values.length; i++) {
    const below = values[i - 1]?.[0] ?? 0;
    const above = values[i]?.[0] ?? 1;
    if (i > 0) wrong += (values[i - 1] as [number, number])[1] === 1 ? 1 : -1;
    // A threshold lies between two different probabilities.
    if (above <= below) continue;
    // The old one, or as near to it as a quarter of the gap allows.
    const quarter = (above - below) / 4;
    const isBetween = old > below && old <= above;
    const candidate = isBetween ? old : Math.fround(Math.min(Math.max(old, below + quarter), above - quarter));
    const isNearer = Math.abs(candidate - old) < Math.abs(best - old);
    if (wrong < fewest || (wrong === fewest && isNearer)) [best, fewest] = [candidate, wrong];
  }
  return best;
}
