/** Weather between ground and sensor: cumulus with shadows, veils of haze, closed cloud. */
import { type Canvas, paint, wholeMask } from "./canvas.js";
import { thresholdNoise } from "./mask.js";
import { fillCoarse, fillSmooth, randomView, sharedTables, type View } from "./noise.js";
import type { Scene } from "./scene.js";

/** Cumulus: bright, billowing, with the same shapes as shadows on the side away from the sun. */
export function paintPartlyCloudy(scene: Scene): void {
  const { random, canvas, sun } = scene;
  const { size, unit, drawn, warped, scratch } = canvas;
  const [shape, billows] = scratch;
  const { fractal } = sharedTables();
  const view = randomView(random, random.range(0.5, 1.7));
  fillCoarse(shape, size, unit, fractal, view, 2);
  fillSmooth(billows, size, unit, fractal, randomView(random, random.range(2, 4.5)));
  const level = quantile(shape, 0.97 - 0.42 * random.next() ** 1.8);
  const soft = random.range(0.4, 1.6);
  const distance = random.range(10, 45);
  fillCoarse(warped, size, unit, fractal, shifted(view, sun.x * distance, sun.y * distance), 4);
  const thickness = random.chance(0.3) ? random.range(0.35, 0.7) : random.range(0.7, 1);
  addScaled(shape, billows, random.range(0.1, 0.35));
  thickenCumulus(drawn, shape, level, soft, thickness);
  thresholdNoise(warped, warped, level, soft);
  darken(canvas, warped, random.range(0.25, 0.6));
  const white = random.range(140, 240);
  const surface = [white, white * random.range(0.9, 0.96), white * random.range(0.82, 0.93)] as const;
  paint(canvas, wholeMask(canvas, drawn), surface, billows, random.range(0.03, 0.12));
}

/** The view `view`, moved by `(dx, dy)` units. */
function shifted(view: View, dx: number, dy: number): View {
  const du = view.scale * (dx * Math.cos(view.angle) - dy * Math.sin(view.angle));
  const dv = view.scale * (dx * Math.sin(view.angle) + dy * Math.cos(view.angle));
  return { ...view, u: view.u + du, v: view.v + dv };
}

/** The quantile of the plane for a share, from a sample of its pixels. */
function quantile(plane: Float32Array, share: number): number {
  const sample = Float32Array.from({ length: plane.length >> 7 }, (_, i) => plane[(i << 7) + ((i * 37) & 127)]).sort();
  return sample[Math.floor(share * (sample.length - 1))];
}

// Loops over planes are functions of their own: V8 compiles these once, but loops inside other code again for every
// tile.

function addScaled(target: Float32Array, source: Float32Array, factor: number): void {
  for (let i = 0; i < target.length; i++) {
    target[i] += factor * source[i];
  }
}

function clampPlane(plane: Float32Array, least: number, most: number): void {
  for (let i = 0; i < plane.length; i++) {
    plane[i] = Math.max(least, Math.min(most, plane[i]));
  }
}

/** Cover of a cloud from how far its noise exceeds `level`: thin at the rim, soon dense. */
function thickenCumulus(
  target: Float32Array,
  noise: Float32Array,
  level: number,
  soft: number,
  thickness: number,
): void {
  for (let i = 0; i < target.length; i++) {
    const depth = (noise[i] - level) / soft;
    target[i] = depth <= 0 ? 0 : thickness * (1 - 1 / (1 + 4 * depth * depth + depth));
  }
}

function darken(canvas: Canvas, shadow: Float32Array, depth: number): void {
  const { red, green, blue } = canvas;
  for (let i = 0; i < shadow.length; i++) {
    const light = 1 - depth * shadow[i];
    red[i] *= light;
    green[i] *= light;
    blue[i] *= light;
  }
}

/** A veil over everything, of varying thickness. */
export function paintHaze(scene: Scene): void {
  const { random, canvas } = scene;
  const { size, unit, drawn, scratch } = canvas;
  fillCoarse(scratch[0], size, unit, sharedTables().fractal, randomView(random, random.range(0.2, 0.7)), 4);
  const mean = random.range(0.45, 0.82);
  const swing = random.chance(0.6) ? random.range(0.005, 0.03) : random.range(0.03, 0.1);
  drawn.fill(mean);
  addScaled(drawn, scratch[0], swing);
  clampPlane(drawn, 0.3, 0.97);
  const light = 75 + 105 * random.next() ** 1.5;
  const surface = [light, light * random.range(0.86, 1.02), light * random.range(0.76, 0.98)] as const;
  paint(canvas, wholeMask(canvas, drawn), surface, scratch[0], 0.02);
}

/** Only cloud: flat, in layers, or in heaps, from gray to white. */
export function paintCloudy(scene: Scene): void {
  const { random, canvas } = scene;
  const { size, unit, drawn, scratch } = canvas;
  const [shape, billows] = scratch;
  const { fractal } = sharedTables();
  const flat = random.chance(0.35);
  const scale = random.range(0.3, 1.4);
  fillCoarse(shape, size, unit, fractal, randomView(random, scale), 2);
  fillSmooth(billows, size, unit, fractal, randomView(random, random.range(1.6, 4)));
  const fine = random.range(0, 0.5);
  const contrast = flat ? random.range(0.01, 0.03) : random.range(0.06, 0.22);
  const light = flat ? random.range(50, 200) : random.range(80, 215);
  const closed = flat ? 1 : random.range(0.9, 1);
  addScaled(shape, billows, fine);
  clampPlane(shape, -2.2, 2.2);
  drawn.fill(closed);
  const surface = [light, light * random.range(0.87, 0.95), light * random.range(0.8, 0.93)] as const;
  paint(canvas, wholeMask(canvas, drawn), surface, shape, contrast);
}
