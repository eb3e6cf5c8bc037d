/** What generated tiles are called: as Planet's are. */

export function tileName(index: number): string {
  return `train_${index}`;
}

export function tileFileName(index: number): string {
  return `${tileName(index)}.jpg`;
}
