/** Events in closed forest: crowns in bloom, and trees thrown by a storm. */
import { type Canvas, paint, type Surface, vary, wholeMask } from "./canvas.js";
import { fillEllipse, thresholdNoise } from "./mask.js";
import { type Point, somewhere } from "./path.js";
import { type Scene, type Textures, warpPlanes } from "./scene.js";

const FLOWERS: readonly Surface[] = [
  [122, 96, 42],
  [112, 104, 96],
  [108, 72, 72],
  [134, 116, 62],
];

/** Single crowns, here and there in groups, yellow, white or pink. */
export function paintBlooming(scene: Scene): void {
  const { random, canvas, textures } = scene;
  const { drawn, size, unit } = canvas;
  drawn.fill(0);
  const groups = Array.from({ length: random.integer(2, 5) }, () => somewhere(random, 15));
  for (let k = random.integer(35, 130); k > 0; k--) {
    const group = random.pick(groups);
    const loose = random.chance(0.45);
    const tree = loose ? somewhere(random, 0) : scatter(scene, group, 26);
    const radius = random.range(1.2, 3.1) * unit;
    fillEllipse(drawn, size, { x: tree.x * unit, y: tree.y * unit }, radius, radius * 0.85, random.range(0, 3), 0.8);
  }
  paint(canvas, wholeMask(canvas, drawn), vary(random.pick(FLOWERS), random, 0.15), textures.crowns, 0.2);
}

/** A fan of fallen trees: pale speckled ground, densest where the gust touched down, fading out downwind. */
export function paintBlowDown(scene: Scene): void {
  const { random, canvas, textures } = scene;
  const [fan] = canvas.scratch;
  const { drawn } = canvas;
  const origin = somewhere(random, 60);
  const wind = Math.atan2(128 - origin.y, 128 - origin.x) + random.normal(0, 0.4);
  fillFan(fan, canvas, { origin, wind, length: random.range(90, 190), spread: random.range(0.25, 0.6) });
  addRagged(fan, warpPlanes(scene).x);
  thresholdNoise(drawn, fan, random.range(0.2, 0.35), 0.5);
  thinOut(drawn, textures);
  paint(canvas, wholeMask(canvas, drawn), vary([95, 79, 65], random, 0.15), textures.crowns, 0.25);
}

interface Gust {
  origin: Point;
  wind: number;
  length: number;
  spread: number;
}

/** Positive inside a fan that opens downwind from its origin. */
function fillFan(fan: Float32Array, { size, unit }: Canvas, { origin, wind, length, spread }: Gust): void {
  const [cos, sin] = [Math.cos(wind) / length, Math.sin(wind) / length];
  for (let y = 0, i = 0; y < size; y++) {
    const dy = y / unit - origin.y;
    for (let x = 0; x < size; x++, i++) {
      const dx = x / unit - origin.x;
      const along = dx * cos + dy * sin;
      const across = Math.abs(dy * cos - dx * sin);
      fan[i] = Math.min(along * 6 + 0.6, 1 - along, 1.6 - across / (spread * (0.12 + Math.max(0, along))));
    }
  }
}

function addRagged(fan: Float32Array, ragged: Float32Array): void {
  for (let i = 0; i < fan.length; i++) {
    fan[i] += 0.25 * ragged[i];
  }
}

/** Crowns that still stand hide the ground. */
function thinOut(cover: Float32Array, { crowns, grain }: Textures): void {
  for (let i = 0; i < cover.length; i++) {
    cover[i] *= Math.max(0.18, Math.min(1, 0.35 + 0.9 * crowns[i] + 0.2 * grain[i]));
  }
}

function scatter(scene: Scene, centre: Point, by: number): Point {
  return { x: centre.x + scene.random.normal(0, by), y: centre.y + scene.random.normal(0, by) };
}
