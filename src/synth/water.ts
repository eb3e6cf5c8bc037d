/** Rivers, streams and lakes, with their sandbanks; and the small gold mines that follow streams. */
import { type Mask, modulate, paint, type Surface, vary } from "./canvas.js";
import { fillSmooth, randomView, sharedTables } from "./noise.js";
import { blob, crossing, type Point, quad, somewhere, walk } from "./path.js";
import { lineMask, paintPolygon, polygonMask, type Scene } from "./scene.js";

const WATERS: readonly Surface[] = [
  [5, 6, 6],
  [13, 15, 14],
  [78, 61, 42],
  [52, 50, 38],
  [32, 35, 32],
  [108, 83, 61],
];
const LAKES: readonly Surface[] = [
  [5, 6, 6],
  [12, 15, 13],
  [26, 31, 28],
];
const SAND: Surface = [156, 125, 104];
const BANK: Surface = [52, 48, 34];
const TAILINGS: readonly Surface[] = [
  [170, 121, 83],
  [157, 116, 89],
  [179, 138, 111],
  [152, 102, 68],
];
const POOLS: readonly Surface[] = [
  [124, 114, 102],
  [96, 90, 77],
  [145, 104, 75],
  [70, 74, 74],
];

export function paintWater(scene: Scene): void {
  const { random, tags } = scene;
  const surface = vary(random.pick(WATERS), random, 0.2);
  const kind = tags.has("artisinal_mine") ? 0.3 : random.next();
  if (kind < 0.72) {
    paintRiver(scene, surface, kind);
  } else if (kind < 0.86) {
    paintLakes(scene, vary(random.pick(LAKES), random, 0.25));
  } else {
    paintShore(scene, surface);
  }
}

/** A stream (thin, winding) or a river (broad, calmer); an island or sandbank now and then. */
function paintRiver(scene: Scene, surface: Surface, kind: number): void {
  const { random, canvas, textures } = scene;
  const width = kind < 0.4 ? random.range(3, 9) : random.range(10, 62);
  const bend = { meander: random.range(0.2, 1.15), jitter: random.range(0.03, 0.14), wave: random.range(60, 190) };
  const course = crossing(random, somewhere(random, 50), random.range(0, 2 * Math.PI), bend);
  scene.rivers.push(course);
  const phase = random.range(0, 6);
  const widthAt = (k: number) => width * (1 + 0.25 * Math.sin(phase + k * 0.23));
  const rag = random.range(0.5, 2.5);
  paint(
    canvas,
    lineMask(scene, [course], (k) => widthAt(k) + random.range(2, 6), rag),
    BANK,
    textures.crowns,
    0.1,
  );
  if (random.chance(0.35)) {
    const offset = random.range(-0.5, 0.5) * width;
    const banks = course.map(({ x, y }) => ({ x: x + offset, y: y - offset }));
    paint(
      canvas,
      lineMask(scene, [banks], (k) => widthAt(k + 2) * 0.9, rag * 2),
      SAND,
      textures.grain,
      0.05,
    );
  }
  const water = lineMask(scene, [course], widthAt, rag);
  paint(canvas, water, surface, textures.grain, 0.015);
  modulate(canvas, water, textures.patches, random.range(0, 0.06));
  if (width > 24 && random.chance(0.4)) {
    paintIsland(scene, random.pick(course), width);
  }
}

function paintIsland(scene: Scene, middle: Point, width: number): void {
  const { random, textures } = scene;
  const outline = blob(random, middle, width * random.range(0.15, 0.32), 7, 0.3);
  if (random.chance(0.5)) {
    paintPolygon(scene, outline, SAND, textures.grain, 0.05, 2);
  } else {
    paintPolygon(scene, outline, [32, 30, 24], textures.crowns, 0.22, 2);
  }
}

function paintLakes(scene: Scene, surface: Surface): void {
  const { random, textures } = scene;
  for (let k = random.integer(1, 3); k > 0; k--) {
    const outline = blob(random, somewhere(random, 40), random.range(10, 48), random.integer(5, 9), 0.4);
    paintPolygon(scene, outline, BANK, textures.crowns, 0.1, 7);
    paintPolygon(scene, outline, surface, textures.grain, 0.015, 6);
  }
}

/** One side of the tile is a large river or lake. */
function paintShore(scene: Scene, surface: Surface): void {
  const { random, textures } = scene;
  const angle = random.range(0, 2 * Math.PI);
  const away = random.range(150, 240);
  const middle = { x: 128 + away * Math.cos(angle), y: 128 + away * Math.sin(angle) };
  const rag = random.range(1.5, 9);
  if (random.chance(0.4)) {
    const beach = quad(random, middle, 305, 420, angle, 0.03);
    paintPolygon(scene, beach, SAND, textures.grain, 0.05, rag);
  }
  paintPolygon(scene, quad(random, middle, 290, 420, angle, 0.02), surface, textures.grain, 0.012, rag);
}

/** Heaps of pale tailings with muddy pools and striations, strung along the stream. */
export function paintArtisanalMine(scene: Scene): void {
  const { random, canvas, textures } = scene;
  const stream = scene.rivers[0] ?? [somewhere(random, 60)];
  const inner = stream.filter(({ x, y }) => x > 25 && y > 25 && x < 231 && y < 231);
  const tailings = vary(random.pick(TAILINGS), random, 0.15);
  const [noise] = canvas.scratch;
  fillSmooth(noise, canvas.size, canvas.unit, sharedTables().fractal, randomView(random, random.range(3, 6)));
  const from = random.integer(0, Math.max(0, inner.length - 12));
  const reach = inner.slice(from, from + random.integer(9, 30));
  const width = random.range(14, 46);
  const worked = lineMask(
    scene,
    [reach.length > 1 ? reach : inner],
    (k) => width * (0.7 + 0.5 * Math.sin(k * 0.9)),
    random.range(7, 14),
  );
  paint(canvas, worked, tailings, noise, random.range(0.09, 0.2));
  modulate(canvas, worked, textures.crowns, random.range(0, 0.15));
  paint(canvas, branches(scene, reach), tailings, noise, 0.1);
  const spots = reach.length > 0 ? reach : [scene.focus];
  for (let k = random.integer(4, 11); k > 0; k--) {
    const spot = random.pick(spots);
    const middle = { x: spot.x + random.normal(0, width / 3), y: spot.y + random.normal(0, width / 3) };
    const pool = blob(random, middle, random.range(2.5, 8), 6, 0.4);
    paintPolygon(scene, pool, vary(random.pick(POOLS), random, 0.2), textures.grain, 0.02, 1.5);
  }
}

/** Side gullies that were washed out. */
function branches(scene: Scene, reach: readonly Point[]): Mask {
  const { random } = scene;
  const bend = { meander: 0.5, jitter: 0.3, wave: 50 };
  const lines = reach
    .filter(() => random.chance(0.4))
    .map((start) => walk(random, start, random.range(0, 2 * Math.PI), bend, random.range(15, 60)));
  return lineMask(scene, lines, (k) => Math.max(1.5, 6 - 0.5 * k), 4);
}

/** An open pit, or ground stripped along a winding seam; with a settling basin beside it. */
export function paintConventionalMine(scene: Scene): void {
  const { random, textures } = scene;
  const centre = somewhere(random, 80);
  scene.focus = centre;
  scene.clearings.push(centre);
  const ground = vary([150, 117, 97], random, 0.22);
  const radius = random.range(42, 88);
  if (random.chance(0.65)) {
    paintPit(scene, centre, radius, ground);
  } else {
    paintStripped(scene, centre, ground);
  }
  if (random.chance(0.6)) {
    const basin = { x: centre.x + random.normal(0, radius), y: centre.y + radius * 1.1 };
    const outline = quad(random, basin, random.range(18, 40), random.range(14, 28), random.range(0, 3), 0.1);
    paintPolygon(scene, outline, vary(random.pick(POOLS), random, 0.3), textures.grain, 0.02, 1);
  }
}

/** Terraces, each with a darker wall and a paler floor, down to a pond, which may lie off the middle. */
function paintPit(scene: Scene, centre: Point, radius: number, ground: Surface): void {
  const { random, canvas, textures } = scene;
  const yard = blob(random, centre, radius * random.range(1.1, 1.4), 9, 0.25);
  paint(canvas, polygonMask(scene, yard, random.range(4, 10)), ground, textures.patches, 0.1);
  const outline = blob(random, centre, radius, 12, 0.14);
  const bottom = { x: centre.x + random.normal(0, radius / 4), y: centre.y + random.normal(0, radius / 4) };
  const steps = random.integer(3, 7);
  for (let step = 0; step < steps; step++) {
    const shrink = 1 - step / (steps + 0.6);
    const ring = outline.map(({ x, y }) => ({
      x: bottom.x + (x - bottom.x) * shrink,
      y: bottom.y + (y - bottom.y) * shrink,
    }));
    const tone = (step % 2 === 0 ? random.range(0.7, 0.85) : random.range(0.92, 1.06)) * (1 - 0.05 * step);
    const surface: Surface = [ground[0] * tone, ground[1] * tone, ground[2] * tone];
    paintPolygon(scene, ring, surface, textures.patches, 0.1, random.range(2, 5));
  }
  if (random.chance(0.75)) {
    const pond = blob(random, bottom, radius * random.range(0.12, 0.3), 7, 0.3);
    paintPolygon(scene, pond, vary(random.pick(POOLS), random, 0.3), textures.grain, 0.02, 2);
  }
}

/** Stripped strips that wind and branch around islands of forest. */
function paintStripped(scene: Scene, centre: Point, ground: Surface): void {
  const { random, canvas, textures } = scene;
  const bend = { meander: 0.9, jitter: 0.25, wave: random.range(60, 120) };
  const strips = Array.from({ length: random.integer(3, 6) }, (_, k) =>
    walk(random, centre, k * 1.3 + random.range(0, 1), bend, random.range(50, 130)),
  );
  const width = random.range(6, 18);
  const mask = lineMask(scene, strips, (k) => width * (0.8 + 0.5 * Math.sin(k * 1.7)), random.range(3, 7));
  paint(canvas, mask, ground, textures.patches, 0.12);
  modulate(canvas, mask, textures.crowns, 0.12);
  paint(canvas, lineMask(scene, strips, 2, 2), vary([178, 150, 131], random, 0.1), textures.grain, 0.04);
}
