/**
 * From surface brightness to the sensor's levels: blur, light of the air, colour cast, vignette, noise, quantisation.
 */
import type { Canvas } from "./canvas.js";
import type { Scene } from "./scene.js";

/** Parameters of air and sensor for a tile; levels per channel. */
interface Sensor {
  air: readonly [number, number, number];
  gain: readonly [number, number, number];
  /** Deviation of the noise in levels. */
  noise: number;
  tilt: { x: number; y: number };
  vignette: number;
}

/** Writes the canvas as RGBA `[size, size, 4]`, alpha 255; the array rounds, and clips as a sensor does. */
export function developTile(scene: Scene, rgba: Uint8ClampedArray): void {
  const { canvas, random } = scene;
  for (let passes = random.pick([1, 1, 1, 1, 1, 2, 2, 3]); passes > 0; passes--) {
    blur(canvas);
  }
  expose(canvas, scene.textures.grain, drawSensor(scene), rgba);
}

/**
 * Constants fitted to the levels of clear forest in real tiles: the air is seldom much cleaner than usual, and thick
 * now and then.
 */
function drawSensor({ random }: Scene): Sensor {
  const exposure = 1 + random.normal(0, 0.12);
  const common = 28 * (Math.exp(random.normal(0, 0.5)) - 1);
  const air = (level: number, deviation: number) => level + common + random.normal(0, deviation);
  const gain = (deviation: number) => exposure * (1 + random.normal(0, deviation));
  return {
    air: [air(16, 3.5), air(33, 1.4), air(31, 4)],
    gain: [gain(0.05), gain(0.02), gain(0.06)],
    noise: random.range(0.3, 1.3),
    tilt: { x: random.normal(0, 0.02), y: random.normal(0, 0.02) },
    vignette: random.range(0, 0.04),
  };
}

function expose(canvas: Canvas, grain: Float32Array, sensor: Sensor, rgba: Uint8ClampedArray): void {
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
      const speck = noise * grain[i];
      rgba[4 * i] = (airR + gainR * red[i]) * light + speck;
      rgba[4 * i + 1] = (airG + gainG * green[i]) * light + speck;
      rgba[4 * i + 2] = (airB + gainB * blue[i]) * light + speck;
      rgba[4 * i + 3] = 255;
    }
  }
}

/** One pass of the 3x3 binomial filter over all three planes. */
function blur(canvas: Canvas): void {
  for (const name of ["red", "green", "blue"] as const) {
    const blurred = canvas.spare;
    blurPlane(canvas[name], blurred, canvas.size);
    canvas.spare = canvas[name];
    canvas[name] = blurred;
  }
}

/** Columns are blurred one after the other, and three of them make a pixel: the plane is read once and written once. */
function blurPlane(source: Float32Array, target: Float32Array, size: number): void {
  for (let y = 0; y < size; y++) {
    const up = y > 0 ? -size : 0;
    const down = y < size - 1 ? size : 0;
    const start = y * size;
    const end = start + size - 1;
    let middle = 0.25 * (source[start + up] + source[start + down]) + 0.5 * source[start];
    let left = middle;
    for (let i = start; i < end; i++) {
      const right = 0.25 * (source[i + 1 + up] + source[i + 1 + down]) + 0.5 * source[i + 1];
      target[i] = 0.25 * (left + right) + 0.5 * middle;
      left = middle;
      middle = right;
    }
    target[end] = 0.25 * left + 0.75 * middle;
  }
}
