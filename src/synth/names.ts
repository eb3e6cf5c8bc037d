/** Names of generated tiles, which no other set has. */

export function tileName(index: number): string {
  return `synth_${index}`;
}

export function tileFileName(index: number): string {
  return `${tileName(index)}.jpg`;
}
