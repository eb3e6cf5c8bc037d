/** Names of generated tiles, in Planet's form. */

export function tileName(index: number): string {
  return `train_${index}`;
}

export function tileFileName(index: number): string {
  return `${tileName(index)}.jpg`;
}
