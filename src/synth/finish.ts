/** From surface brightness to the sensor's levels: blur, the air's own light, colour cast, vignette, noise, quantisation. */
import type { Canvas } from "./canvas.js";
import type { Scene } from "./scene.js";

/** What the air and the sensor make of a tile; levels per channel. */
interface Sensor {
  air: readonly [number, number, number];
  gain: readonly [number, number, number];
  /** Deviation of the noise in levels. */
  noise: number;
  tilt: { x: number; y: number };
  vignette: number;
}

/** Writes the canvas as RGBA `[size, size, 4]` uint8, alpha 255. */
export function developTile(scene: Scene, rgba: Uint8Array): void {
  const { canvas, random } = scene;
  for (let passes = random.pick([1, 1, 1, 1, 1, 2, 2, 4]); passes > 0; passes--) {
    blur(canvas);
  }
  expose(canvas, scene.textures.grain, drawSensor(scene), rgba);
}

function drawSensor({ random }: Scene): Sensor {
  const exposure = 1 + random.normal(0, 0.1);
  const common = random.normal(0, 4);
  const air = (level: number, deviation: number) => level + common + random.normal(0, deviation);
  const gain = (deviation: number) => exposure * (1 + random.normal(0, deviation));
  return {
    air: [air(50, 3.5), air(53, 1.4), air(62, 2)],
    gain: [gain(0.04), gain(0.015), gain(0.04)],
    noise: random.range(0.3, 1),
    tilt: { x: random.normal(0, 0.02), y: random.normal(0, 0.02) },
    vignette: random.range(0, 0.04),
  };
}

function expose(canvas: Canvas, grain: Float32Array, sensor: Sensor, rgba: Uint8Array): void {
  const { size, red, green, blue } = canvas;
  const [airR, airG, airB] = sensor.air;
  const [gainR, gainG, gainB] = sensor.gain;
  const { tilt, vignette, noise } = sensor;
  for (let y = 0, i = 0; y < size; y++) {
    const v = (2 * y) / size - 1;
    const rowLight = 1 + tilt.y * v - vignette * v * v;
    for (let x = 0; x < size; x++, i++) {
      const u = (2 * x) / size - 1;
      const light = rowLight + u * (tilt.x - vignette * u);
      const speck = noise * grain[i]! + 0.5;
      rgba[4 * i] = toLevel((airR + gainR * red[i]!) * light + speck);
      rgba[4 * i + 1] = toLevel((airG + gainG * green[i]!) * light + speck);
      rgba[4 * i + 2] = toLevel((airB + gainB * blue[i]!) * light + speck);
      rgba[4 * i + 3] = 255;
    }
  }
}

/** Clips as a sensor does. */
function toLevel(value: number): number {
  return value < 0 ? 0 : value > 255 ? 255 : value | 0;
}

/** One pass of the 3x3 binomial filter over all three planes. */
function blur(canvas: Canvas): void {
  const [rows] = canvas.scratch;
  for (const plane of [canvas.red, canvas.green, canvas.blue]) {
    blurRows(plane, rows, canvas.size);
    blurColumns(rows, plane, canvas.size);
  }
}

function blurRows(source: Float32Array, target: Float32Array, size: number): void {
  for (let y = 0; y < size; y++) {
    const end = (y + 1) * size - 1;
    let left = source[y * size]!;
    let middle = left;
    for (let i = y * size; i < end; i++) {
      const right = source[i + 1]!;
      target[i] = 0.25 * (left + right) + 0.5 * middle;
      left = middle;
      middle = right;
    }
    target[end] = 0.25 * left + 0.75 * middle;
  }
}

function blurColumns(source: Float32Array, target: Float32Array, size: number): void {
  for (let y = 0; y < size; y++) {
    const up = y > 0 ? -size : 0;
    const down = y < size - 1 ? size : 0;
    for (let i = y * size, end = i + size; i < end; i++) {
      target[i] = 0.25 * (source[i + up]! + source[i + down]!) + 0.5 * source[i]!;
    }
  }
}
