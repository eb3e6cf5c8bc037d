/** A worker of the tests of ChunkPool: doubles numbers, throws at 13 and dies at 14. */
export function double({ items, factor }: { items: number[]; factor: number }): number[] {
  if (items.includes(14)) process.exit(1);
  return items.map((item) => {
    if (item === 13) throw new Error("thirteen");
    return item * factor;
  });
}
