/**
 * The first cover of the whole tile: closed forest if there is any, else savanna or grassland; and the shape of the
 * land.
 */
import { cover, paint, type Surface, vary, wholeMask } from "./canvas.js";
import { thresholdNoise } from "./mask.js";
import { fillCoarse, randomView, sharedTables } from "./noise.js";
import type { Scene } from "./scene.js";

const FOREST: Surface = [32, 30, 24];
const SWAMP: Surface = [23, 24, 19];
const REGROWTH: Surface = [48, 46, 32];
const SAVANNA: Surface = [75, 65, 48];
const GRASS: Surface = [67, 63, 48];

export function paintGround(scene: Scene): void {
  if (scene.tags.has("primary")) {
    paintForest(scene);
  } else {
    paintOpenLand(scene);
  }
}

function paintForest(scene: Scene): void {
  const { random, canvas, textures } = scene;
  const light = canvas.drawn;
  addUp(light, textures.crowns, random.range(0.36, 0.72), textures.patches, random.range(0.01, 0.05));
  if (random.chance(0.3)) {
    addRelief(scene, light, random.range(0.04, 0.2));
  }
  cover(canvas, vary(FOREST, random, 0.22), light);
  const disturbed = scene.tags.has("agriculture") || scene.tags.has("cultivation");
  if (random.chance(disturbed ? 0.5 : 0.12)) {
    paintPatches(scene, random.chance(0.7) ? REGROWTH : SWAMP, random.range(0.3, 1.6), random.range(0.4, 0.9));
  }
}

function paintOpenLand(scene: Scene): void {
  const { random, canvas, textures } = scene;
  addUp(canvas.drawn, textures.grain, 0.06, textures.patches, random.range(0.05, 0.14));
  cover(canvas, vary(random.chance(0.5) ? SAVANNA : GRASS, random, 0.25), canvas.drawn);
  paintPatches(scene, vary(SAVANNA, random, 0.4), random.range(0, 1), random.range(0.3, 0.7));
  if (random.chance(0.5)) {
    thresholdNoise(canvas.drawn, textures.crowns, random.range(0.6, 1.2), 0.4);
    paint(canvas, wholeMask(canvas, canvas.drawn), SWAMP, textures.grain, 0.1);
  }
}

function addUp(out: Float32Array, a: Float32Array, weightA: number, b: Float32Array, weightB: number): void {
  for (let i = 0; i < out.length; i++) {
    out[i] = weightA * a[i] + weightB * b[i];
  }
}

/** Paints another cover where patchy noise exceeds `level`. */
function paintPatches(scene: Scene, surface: Surface, level: number, opacity: number): void {
  const { canvas, textures, random } = scene;
  const [noise] = canvas.scratch;
  const plane = canvas.drawn;
  fillCoarse(noise, canvas.size, canvas.unit, sharedTables().fractal, randomView(random, random.range(0.5, 1.3)), 4);
  thresholdNoise(plane, noise, level, random.range(0.1, 0.8), opacity);
  paint(canvas, wholeMask(canvas, plane), surface, textures.crowns, 0.25);
}

/** Hills: the land is a noise field, lit from the sun's side. */
function addRelief(scene: Scene, light: Float32Array, strength: number): void {
  const { canvas, random, sun } = scene;
  const [height] = canvas.scratch;
  const { size, unit } = canvas;
  fillCoarse(height, size, unit, sharedTables().fractal, randomView(random, random.range(0.7, 1.8)), 2);
  const shift = Math.round(2 * unit * sun.y) * size + Math.round(2 * unit * sun.x);
  const from = Math.max(0, -shift);
  const to = Math.min(light.length, light.length - shift);
  for (let i = from; i < to; i++) {
    light[i] += strength * Math.max(-2, Math.min(2, (height[i] - height[i + shift]) * 6));
  }
}
