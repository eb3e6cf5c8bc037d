/** What covers the whole tile first: closed forest where there is any, else savanna or grassland; and the lie of the land. */
import { modulate, paint, type Surface, vary } from "./canvas.js";
import { thresholdMask } from "./mask.js";
import { fillSmooth, randomView, sharedTables } from "./noise.js";
import type { Scene } from "./scene.js";

const FOREST: Surface = [28, 19.5, 13];
const SWAMP: Surface = [21, 17, 12];
const REGROWTH: Surface = [37, 31, 15];
const SAVANNA: Surface = [58, 45, 27];
const GRASS: Surface = [50, 45, 24];

export function paintGround(scene: Scene): void {
  if (scene.tags.has("primary")) {
    paintForest(scene);
  } else {
    paintOpenLand(scene);
  }
}

function paintForest(scene: Scene): void {
  const { random, canvas, textures } = scene;
  const whole = canvas.mask.fill(1);
  paint(canvas, whole, vary(FOREST, random, 0.22), textures.crowns, random.range(0.16, 0.34));
  modulate(canvas, whole, textures.patches, random.range(0.01, 0.05));
  if (random.chance(0.25)) {
    paintRelief(scene, random.range(0.05, 0.22));
  }
  const disturbed = scene.tags.has("agriculture") || scene.tags.has("cultivation");
  if (random.chance(disturbed ? 0.5 : 0.12)) {
    paintPatches(scene, random.chance(0.7) ? REGROWTH : SWAMP, random.range(0.3, 1.6), random.range(0.4, 0.9));
  }
}

function paintOpenLand(scene: Scene): void {
  const { random, canvas, textures } = scene;
  const whole = canvas.mask.fill(1);
  paint(canvas, whole, vary(random.chance(0.5) ? SAVANNA : GRASS, random, 0.25), textures.grain, 0.05);
  modulate(canvas, whole, textures.patches, random.range(0.05, 0.14));
  paintPatches(scene, vary(SAVANNA, random, 0.4), random.range(0, 1), random.range(0.3, 0.7));
  if (random.chance(0.5)) {
    thresholdMask(canvas.mask, textures.crowns, random.range(0.9, 1.6), 0.4);
    paint(canvas, canvas.mask, SWAMP, textures.grain, 0.1);
  }
}

/** Lays another cover where patchy noise exceeds `level`. */
function paintPatches(scene: Scene, surface: Surface, level: number, opacity: number): void {
  const { canvas, textures, random } = scene;
  const [noise] = canvas.scratch;
  fillSmooth(noise, canvas.size, canvas.unit, sharedTables().fractal, randomView(random, random.range(0.5, 1.3)));
  thresholdMask(canvas.mask, noise, level, random.range(0.1, 0.8));
  for (let i = 0; i < canvas.mask.length; i++) {
    canvas.mask[i]! *= opacity;
  }
  paint(canvas, canvas.mask, surface, textures.crowns, 0.12);
}

/** Hills: the land is a noise field, lit from the sun's side. */
function paintRelief(scene: Scene, strength: number): void {
  const { canvas, random, sun } = scene;
  const [height, slope] = canvas.scratch;
  const { size, unit } = canvas;
  fillSmooth(height, size, unit, sharedTables().fractal, randomView(random, random.range(0.7, 1.8)));
  const shift = Math.round(2 * unit * sun.y) * size + Math.round(2 * unit * sun.x);
  for (let i = 0; i < slope.length; i++) {
    const ahead = i + shift;
    slope[i] = ahead >= 0 && ahead < slope.length ? Math.max(-2, Math.min(2, (height[i]! - height[ahead]!) * 6)) : 0;
  }
  modulate(canvas, canvas.mask.fill(1), slope, strength);
}
