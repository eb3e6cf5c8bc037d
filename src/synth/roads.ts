/** Roads, houses beside them, and the tracks of selective logging. */
import { paint, type Surface, vary } from "./canvas.js";
import { fillEllipse, findSpans } from "./mask.js";
import { blob, crossing, inScene, type Point, quad, somewhere, toPixels, walk } from "./path.js";
import { lineMask, paintPolygon, type Scene } from "./scene.js";

const ROADS: readonly Surface[] = [
  [156, 110, 79],
  [134, 101, 79],
  [172, 129, 102],
  [140, 93, 60],
];
const VERGE: Surface = [59, 53, 38];
const YARD: Surface = [120, 93, 70];
const ROOFS: readonly Surface[] = [
  [213, 192, 185],
  [178, 152, 135],
  [229, 207, 202],
  [154, 115, 94],
  [206, 192, 186],
];

const STRAIGHT = { meander: 0, jitter: 0.012, wave: 100 };

/** A road through the land in use, straight or winding, with a side road or two. */
export function paintRoads(scene: Scene): void {
  const { random, canvas, textures, focus } = scene;
  const straight = random.chance(0.5);
  const bend = straight
    ? STRAIGHT
    : { meander: random.range(0.1, 0.5), jitter: random.range(0.02, 0.1), wave: random.range(70, 200) };
  const heading = random.range(0, 2 * Math.PI);
  const main = crossing(random, focus, heading, bend);
  scene.roads.push(main);
  const inside = main.filter(({ x, y }) => inScene(x, y, -15));
  for (let k = random.integer(0, 2); k > 0 && inside.length > 0; k--) {
    const side = heading + (random.chance(0.5) ? 1 : -1) * (straight ? Math.PI / 2 : random.range(0.7, 2));
    scene.roads.push(walk(random, random.pick(inside), side, bend, random.range(50, 260)));
  }
  const surface = vary(random.pick(ROADS), random, 0.2);
  const width = random.chance(0.12) ? random.range(3, 5.5) : random.range(1.1, 2.6);
  if (random.chance(0.5)) {
    const verge = width + random.range(3, 14);
    paint(
      canvas,
      lineMask(scene, [main], () => verge * random.range(0.6, 1.2), 0),
      VERGE,
      textures.crowns,
      0.3,
    );
  }
  paint(canvas, lineMask(scene, [main], width, 0), surface, textures.grain, 0.04);
  paint(canvas, lineMask(scene, scene.roads.slice(1), width * 0.7, 0), surface, textures.grain, 0.04);
}

/** A town of blocks, or hamlets of a few houses along a road or beside a clearing. */
export function paintHabitation(scene: Scene): void {
  const { random } = scene;
  if (scene.tags.has("road") && random.chance(0.25)) {
    paintTown(scene);
    return;
  }
  const places = [...scene.roads.flat(), ...scene.clearings].filter(({ x, y }) => inScene(x, y, -12));
  for (let k = random.integer(1, 4); k > 0; k--) {
    paintHamlet(scene, places.length > 0 ? random.pick(places) : somewhere(random, 30));
  }
}

function paintHamlet(scene: Scene, centre: Point): void {
  const { random, textures } = scene;
  const spread = random.range(5, 14);
  const yard = blob(random, centre, spread * random.range(0.9, 1.5), 7, 0.4);
  paintPolygon(scene, yard, vary(YARD, random, 0.3), textures.crowns, 0.3, random.range(2, 6));
  const houses = Array.from({ length: random.integer(4, 16) }, () => ({
    x: centre.x + random.normal(0, spread * 0.7),
    y: centre.y + random.normal(0, spread * 0.7),
  }));
  paintHouses(scene, houses, random.range(0, Math.PI));
}

function paintTown(scene: Scene): void {
  const { random, canvas, textures, focus } = scene;
  const angle = random.range(0, Math.PI);
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  const radius = random.range(35, 100);
  const at = (u: number, v: number) => ({ x: focus.x + u * cos - v * sin, y: focus.y + u * sin + v * cos });
  paintPolygon(
    scene,
    blob(random, focus, radius * 1.1, 9, 0.2),
    vary(YARD, random, 0.25),
    textures.crowns,
    0.2,
    random.range(4, 10),
  );
  const block = random.range(12, 22);
  const streets: Point[][] = [];
  const houses: Point[] = [];
  for (let u = -radius; u <= radius; u += block) {
    const half = Math.sqrt(radius * radius - u * u);
    for (const street of [
      [at(u, -half), at(u, half)],
      [at(-half, u), at(half, u)],
    ]) {
      if (random.chance(0.6)) {
        streets.push(street);
      }
    }
    for (let v = -half; v < half; v += random.range(3, 8)) {
      houses.push(at(u + random.range(3, block - 3), v + random.normal(0, 1)));
      houses.push(at(u + random.range(3, block - 3), v + random.normal(0, 1)));
    }
  }
  paint(canvas, lineMask(scene, streets, random.range(0.8, 1.6), 1), vary(ROADS[1], random, 0.2), textures.grain, 0.04);
  paintHouses(
    scene,
    houses.filter(() => random.chance(random.range(0.5, 1))),
    angle,
  );
}

/** Roofs of three colours, a few units wide, each with its own brightness and direction. */
function paintHouses(scene: Scene, houses: readonly Point[], angle: number): void {
  const { random, canvas, textures } = scene;
  const { drawn, size, unit } = canvas;
  const places = toPixels(houses, unit);
  for (const surface of [random.pick(ROOFS), random.pick(ROOFS), ROOFS[0]]) {
    drawn.fill(0);
    for (const centre of places) {
      if (random.chance(0.4)) {
        const long = random.range(1.1, 2.9) * unit;
        fillEllipse(drawn, size, centre, long, long * random.range(0.5, 0.9), angle, random.range(0.7, 2.4));
      }
    }
    paint(canvas, { cover: drawn, ...findSpans(drawn, size, places, 4 * unit) }, surface, textures.grain, 0.12);
  }
}

/** Thin winding tracks that branch, small gaps along them, and a pale landing or two. */
export function paintSelectiveLogging(scene: Scene): void {
  const { random, canvas, textures } = scene;
  const surface = vary([101, 74, 57], random, 0.15);
  const bend = { meander: random.range(0.3, 0.7), jitter: 0.16, wave: random.range(40, 90) };
  const tracks: Point[][] = [];
  for (let k = random.integer(2, 3); k > 0; k--) {
    const trunk = walk(random, somewhere(random, 40), random.range(0, 2 * Math.PI), bend, random.range(90, 220));
    tracks.push(trunk);
    for (const start of trunk.filter(() => random.chance(0.16))) {
      tracks.push(walk(random, start, random.range(0, 2 * Math.PI), bend, random.range(15, 60)));
    }
  }
  paint(canvas, lineMask(scene, tracks, random.range(1, 1.7), 2.5), surface, textures.crowns, 0.35);
  for (const { x, y } of tracks.flat().filter(() => random.chance(0.22))) {
    const gap = quad(random, { x: x + random.normal(0, 4), y: y + random.normal(0, 4) }, 4, 3, random.range(0, 3), 0.4);
    paintPolygon(scene, gap, surface, textures.crowns, 0.3, 1);
  }
  const landing = random.pick(tracks[0]);
  paintPolygon(scene, blob(random, landing, random.range(4, 9), 6, 0.4), [144, 106, 84], textures.grain, 0.08, 1.5);
}
