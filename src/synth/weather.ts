/** What is between the ground and the sensor: cumulus with shadows, veils of haze, closed cloud. */
import { paint } from "./canvas.js";
import { fillSmooth, randomView, sharedTables, type View } from "./noise.js";
import type { Scene } from "./scene.js";

/** Cumulus: bright, billowing, with the same shapes as shadows on the side away from the sun. */
export function paintPartlyCloudy(scene: Scene): void {
  const { random, canvas, sun } = scene;
  const { size, unit, mask, warped, scratch } = canvas;
  const { fractal } = sharedTables();
  const view = randomView(random, random.range(0.5, 1.7));
  fillSmooth(scratch[0], size, unit, fractal, view);
  fillSmooth(scratch[1], size, unit, fractal, randomView(random, random.range(2.5, 5)));
  const level = quantile(scratch[0], 1 - random.range(0.04, 0.42));
  const soft = random.range(0.25, 1.1);
  const distance = random.range(10, 45);
  fillSmooth(warped, size, unit, fractal, shifted(view, sun.x * distance, sun.y * distance));
  const thickness = random.range(0.75, 1);
  for (let i = 0; i < mask.length; i++) {
    const billow = scratch[0]![i]! + 0.22 * scratch[1]![i]! - level;
    mask[i] = thickness * Math.max(0, Math.min(1, billow / soft + 0.15));
    warped[i] = Math.max(0, Math.min(1, (warped[i]! - level) / (soft * 1.4)));
  }
  darken(scene, warped, random.range(0.3, 0.6));
  const white = random.range(130, 205);
  paint(canvas, mask, [white, white * 0.95, white * 0.88], scratch[1], random.range(0.03, 0.1));
}

/** The view that shows at each place what `view` shows `(dx, dy)` units further. */
function shifted(view: View, dx: number, dy: number): View {
  const du = view.scale * (dx * Math.cos(view.angle) - dy * Math.sin(view.angle));
  const dv = view.scale * (dx * Math.sin(view.angle) + dy * Math.cos(view.angle));
  return { ...view, u: view.u + du, v: view.v + dv };
}

/** The value that a share of the plane lies below, from a sample of its pixels. */
function quantile(plane: Float32Array, share: number): number {
  const sample = plane.filter((_, i) => i % 97 === 0).sort();
  return sample[Math.floor(share * (sample.length - 1))]!;
}

function darken(scene: Scene, shadow: Float32Array, depth: number): void {
  const { red, green, blue } = scene.canvas;
  for (let i = 0; i < shadow.length; i++) {
    const light = 1 - depth * shadow[i]!;
    red[i]! *= light;
    green[i]! *= light;
    blue[i]! *= light;
  }
}

/** A veil over everything, thicker here than there. */
export function paintHaze(scene: Scene): void {
  const { random, canvas } = scene;
  const { size, unit, mask, scratch } = canvas;
  fillSmooth(scratch[0], size, unit, sharedTables().fractal, randomView(random, random.range(0.25, 0.8)));
  const mean = random.range(0.5, 0.85);
  const swing = random.chance(0.5) ? random.range(0.01, 0.04) : random.range(0.04, 0.13);
  for (let i = 0; i < mask.length; i++) {
    mask[i] = Math.max(0.3, Math.min(0.97, mean + swing * scratch[0]![i]!));
  }
  const light = random.range(56, 96);
  const warm = random.range(0.6, 1);
  paint(canvas, mask, [light, light * (0.68 + 0.2 * warm), light * (0.82 - 0.3 * warm)], scratch[0], 0.02);
}

/** Nothing but cloud: flat, in layers, or in heaps, from gray to white. */
export function paintCloudy(scene: Scene): void {
  const { random, canvas } = scene;
  const { size, unit, mask, scratch } = canvas;
  const { fractal } = sharedTables();
  const flat = random.chance(0.35);
  fillSmooth(scratch[0], size, unit, fractal, randomView(random, random.range(0.3, 1.4)));
  fillSmooth(scratch[1], size, unit, fractal, randomView(random, random.range(1.6, 4)));
  const fine = random.range(0, 0.4);
  const contrast = flat ? random.range(0.01, 0.03) : random.range(0.05, 0.2);
  const light = flat ? random.range(50, 110) : random.range(70, 165);
  const cover = flat ? 1 : random.range(0.9, 1);
  for (let i = 0; i < mask.length; i++) {
    scratch[0]![i] = Math.max(-2.2, Math.min(2.2, scratch[0]![i]! + fine * scratch[1]![i]!));
    mask[i] = cover;
  }
  paint(canvas, mask, [light, light * 0.9, light * 0.79], scratch[0], contrast);
}
