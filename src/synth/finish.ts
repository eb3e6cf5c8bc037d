/** From surface brightness to the sensor's levels: blur, the air's own light, colour cast, vignette, quantisation. */
import type { Canvas } from "./canvas.js";
import type { Scene } from "./scene.js";

/** Writes the canvas as RGBA `[size, size, 4]` uint8, alpha 255. */
export function developTile(scene: Scene, rgba: Uint8Array): void {
  const { canvas, random } = scene;
  for (let passes = random.pick([1, 1, 1, 1, 2, 2, 3]); passes > 0; passes--) {
    blur(canvas);
  }
  const exposure = 1 + random.normal(0, 0.1);
  const common = random.normal(0, 4);
  const air = [50, 53, 62].map((level, c) => level + common + random.normal(0, [3.5, 1.5, 2][c]!));
  const gain = [0.06, 0.03, 0.06].map((deviation) => exposure * (1 + random.normal(0, deviation)));
  const tilt = { x: random.normal(0, 0.02), y: random.normal(0, 0.02) };
  const vignette = random.range(0, 0.04);
  const { size, red, green, blue } = canvas;
  for (let y = 0, i = 0; y < size; y++) {
    const v = (2 * y) / size - 1;
    for (let x = 0; x < size; x++, i++) {
      const u = (2 * x) / size - 1;
      const light = 1 + tilt.x * u + tilt.y * v - vignette * (u * u + v * v);
      rgba[4 * i] = toLevel((air[0]! + gain[0]! * red[i]!) * light);
      rgba[4 * i + 1] = toLevel((air[1]! + gain[1]! * green[i]!) * light);
      rgba[4 * i + 2] = toLevel((air[2]! + gain[2]! * blue[i]!) * light);
      rgba[4 * i + 3] = 255;
    }
  }
}

/** Rounds, and clips as a sensor does. */
function toLevel(value: number): number {
  return value < 0 ? 0 : value > 255 ? 255 : (value + 0.5) | 0;
}

/** One pass of the 3x3 binomial filter over all three planes. */
function blur(canvas: Canvas): void {
  const [rows] = canvas.scratch;
  for (const plane of [canvas.red, canvas.green, canvas.blue]) {
    blurPlane(plane, rows, canvas.size);
  }
}

function blurPlane(plane: Float32Array, rows: Float32Array, size: number): void {
  const last = size - 1;
  for (let y = 0; y < size; y++) {
    const start = y * size;
    rows[start] = 0.75 * plane[start]! + 0.25 * plane[start + 1]!;
    for (let i = start + 1; i < start + last; i++) {
      rows[i] = 0.25 * (plane[i - 1]! + plane[i + 1]!) + 0.5 * plane[i]!;
    }
    rows[start + last] = 0.75 * plane[start + last]! + 0.25 * plane[start + last - 1]!;
  }
  for (let y = 0; y < size; y++) {
    const above = (y > 0 ? y - 1 : 0) * size;
    const below = (y < last ? y + 1 : last) * size;
    const row = y * size;
    for (let x = 0; x < size; x++) {
      plane[row + x] = 0.25 * (rows[above + x]! + rows[below + x]!) + 0.5 * rows[row + x]!;
    }
  }
}
