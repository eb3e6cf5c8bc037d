/** Events in closed forest: crowns in bloom, and trees thrown by a storm. */
import { paint, type Surface, vary, wholeMask } from "./canvas.js";
import { fillEllipse, thresholdNoise } from "./mask.js";
import { type Point, somewhere } from "./path.js";
import { type Scene, warpPlanes } from "./scene.js";

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
    const tree = loose ? somewhere(random, 0) : spread(scene, group, 26);
    const radius = random.range(1.2, 3.1) * unit;
    fillEllipse(drawn, size, { x: tree.x * unit, y: tree.y * unit }, radius, radius * 0.85, random.range(0, 3), 0.8);
  }
  paint(canvas, wholeMask(canvas, drawn), vary(random.pick(FLOWERS), random, 0.15), textures.crowns, 0.2);
}

/** A fan of fallen trees: pale speckled ground, densest where the gust touched down, fading out downwind. */
export function paintBlowDown(scene: Scene): void {
  const { random, canvas, textures } = scene;
  const { size, unit, drawn } = canvas;
  const [fan] = canvas.scratch;
  const { x: ragged } = warpPlanes(scene);
  const origin = somewhere(random, 60);
  const wind = Math.atan2(128 - origin.y, 128 - origin.x) + random.normal(0, 0.4);
  const length = random.range(90, 190);
  const spreadAngle = random.range(0.25, 0.6);
  for (let y = 0, i = 0; y < size; y++) {
    for (let x = 0; x < size; x++, i++) {
      const [dx, dy] = [x / unit - origin.x, y / unit - origin.y];
      const along = (dx * Math.cos(wind) + dy * Math.sin(wind)) / length;
      const across = Math.abs(dy * Math.cos(wind) - dx * Math.sin(wind)) / length;
      const inside = Math.min(along * 6 + 0.6, 1 - along, 1.6 - across / (spreadAngle * (0.12 + Math.max(0, along))));
      fan[i] = inside + 0.25 * ragged[i]!;
    }
  }
  thresholdNoise(drawn, fan, random.range(0.2, 0.35), 0.5);
  for (let i = 0; i < drawn.length; i++) {
    drawn[i]! *= Math.max(0.18, Math.min(1, 0.35 + 0.9 * textures.crowns[i]! + 0.2 * textures.grain[i]!));
  }
  paint(canvas, wholeMask(canvas, drawn), vary([95, 79, 65], random, 0.15), textures.crowns, 0.25);
}

function spread(scene: Scene, centre: Point, by: number): Point {
  return { x: centre.x + scene.random.normal(0, by), y: centre.y + scene.random.normal(0, by) };
}
