/** Land in use: fields and pasture, small cultivated plots, burnt and bare ground. */
import { type Mask, modulate, paint, type Surface, vary, wholeMask } from "./canvas.js";
import { thresholdNoise } from "./mask.js";
import { fillCoarse, randomView, sharedTables } from "./noise.js";
import { blob, type Point, quad, SPAN, somewhere } from "./path.js";
import { paintPolygon, polygonMask, type Scene, type Textures } from "./scene.js";

const PASTURE: readonly Surface[] = [
  [84, 69, 50],
  [73, 65, 45],
  [63, 58, 40],
  [99, 82, 63],
  [53, 52, 37],
];
const CROPS: readonly Surface[] = [
  [59, 57, 42],
  [118, 88, 64],
  [95, 67, 46],
  [139, 103, 81],
  [75, 60, 44],
  [70, 65, 49],
  [88, 75, 59],
];
const PLOTS: readonly Surface[] = [
  [99, 73, 54],
  [68, 62, 41],
  [117, 83, 61],
  [57, 51, 35],
  [76, 55, 41],
];
const BURNT: readonly Surface[] = [
  [32, 19, 13],
  [20, 14, 13],
  [47, 30, 22],
];
const BARE: readonly Surface[] = [
  [98, 71, 54],
  [134, 99, 78],
  [110, 74, 50],
  [146, 118, 101],
];

const TREES: Surface = [27, 25, 19];

/** Fields in rows, a few large fields, or pasture with ragged edges. */
export function paintAgriculture(scene: Scene): void {
  const { random, focus } = scene;
  const layout = random.next();
  if (layout < 0.35) {
    paintFieldRows(scene, focus);
  } else if (layout < 0.7) {
    paintLooseFields(scene, focus);
  } else {
    paintPasture(scene, focus);
  }
  scene.clearings.push(focus);
}

function paintFieldRows(scene: Scene, centre: Point): void {
  const { random } = scene;
  const angle = random.range(0, Math.PI);
  const [columns, rows] = [random.integer(1, 4), random.integer(1, 3)];
  const [width, height] = [random.range(45, 150), random.range(45, 140)];
  const large = random.chance(0.3);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      if (random.chance(0.15)) {
        continue;
      }
      const u = (column - (columns - 1) / 2) * width;
      const v = (row - (rows - 1) / 2) * height;
      const middle = {
        x: centre.x + u * Math.cos(angle) - v * Math.sin(angle),
        y: centre.y + u * Math.sin(angle) + v * Math.cos(angle),
      };
      const field = quad(random, middle, width - (large ? 0 : 2), height - (large ? 0 : 2), angle, 0.015);
      paintField(scene, field, random.pick(random.chance(0.6) ? CROPS : PASTURE), angle, random.range(0.6, 3.5));
    }
  }
}

function paintLooseFields(scene: Scene, centre: Point): void {
  const { random } = scene;
  const count = random.integer(1, 6);
  const palette = random.chance(0.5) ? PASTURE : CROPS;
  for (let k = 0; k < count; k++) {
    const middle = k === 0 ? centre : { x: centre.x + random.normal(0, 60), y: centre.y + random.normal(0, 60) };
    const radius = random.range(28, 95);
    const field = blob(random, middle, radius, random.integer(4, 8), 0.35);
    paintField(scene, field, random.pick(palette), random.range(0, Math.PI), random.range(2, 9));
  }
}

function paintPasture(scene: Scene, centre: Point): void {
  const { random } = scene;
  const surface = vary(random.pick(PASTURE), random, 0.2);
  const rag = random.range(5, 16);
  for (let k = random.integer(1, 3); k > 0; k--) {
    const middle = { x: centre.x + random.normal(0, 30), y: centre.y + random.normal(0, 30) };
    const outline = blob(random, middle, random.range(60, 150), random.integer(6, 11), 0.3);
    paintField(scene, outline, surface, 0, rag);
    if (random.chance(0.5)) {
      const part = blob(random, middle, random.range(20, 50), 6, 0.4);
      paintField(scene, part, random.pick(CROPS), 0, rag / 2);
    }
  }
}

/** One field: colour, grain, patches, now and then furrows or scattered trees. */
function paintField(scene: Scene, outline: readonly Point[], base: Surface, angle: number, rag: number): void {
  const { random, canvas, textures } = scene;
  const mask = polygonMask(scene, outline, rag);
  paint(canvas, mask, vary(base, random, 0.25), textures.grain, random.range(0.015, 0.05));
  modulate(canvas, mask, textures.patches, random.range(0.02, 0.14));
  if (random.chance(0.2)) {
    fillFurrows(canvas.scratch[0], canvas.size, angle, random.range(3, 7) * canvas.unit);
    modulate(canvas, mask, canvas.scratch[0], random.range(0.02, 0.07));
  }
  if (random.chance(0.4)) {
    scatterTrees(scene, mask);
  }
}

/** One wave, in 256 steps: a sine per pixel would take longer than the rest of a field. */
const WAVE = Float32Array.from({ length: 256 }, (_, k) => Math.sin((k * Math.PI) / 128));

function fillFurrows(out: Float32Array, size: number, angle: number, period: number): void {
  const [dx, dy] = [(Math.cos(angle) * 256) / period, (Math.sin(angle) * 256) / period];
  for (let y = 0, i = 0; y < size; y++) {
    for (let x = 0; x < size; x++, i++) {
      out[i] = WAVE[(x * dx + y * dy) & 255];
    }
  }
}

function scatterTrees(scene: Scene, field: Mask): void {
  const { canvas, textures, random } = scene;
  const [trees] = canvas.scratch;
  plantTrees(trees, canvas.size, field, textures, random.range(0.6, 1.2));
  paint(canvas, { ...field, cover: trees }, TREES, textures.grain, 0.1);
}

function plantTrees(trees: Float32Array, size: number, field: Mask, textures: Textures, thin: number): void {
  const { crowns, patches } = textures;
  for (let y = 0; y < size; y++) {
    for (let i = y * size + field.from[y], end = y * size + field.to[y]; i < end; i++) {
      const wooded = crowns[i] + 0.5 * patches[i] - 2 * thin;
      trees[i] = field.cover[i] * Math.max(0, Math.min(0.8, wooded * 2));
    }
  }
}

/** Small irregular plots beside each other, of different age. */
export function paintCultivation(scene: Scene): void {
  const { random } = scene;
  const groups = random.integer(1, 3);
  for (let group = 0; group < groups; group++) {
    const centre = somewhere(random, 30);
    scene.clearings.push(centre);
    const palette = vary(random.pick(PLOTS), random, 0.2);
    for (let k = random.integer(2, 6); k > 0; k--) {
      const middle = { x: centre.x + random.normal(0, 17), y: centre.y + random.normal(0, 17) };
      const plot = blob(random, middle, random.range(6, 19), random.integer(4, 7), 0.4);
      const surface = random.chance(0.5) ? palette : vary(random.pick(PLOTS), random, 0.2);
      paintPolygon(scene, plot, surface, scene.textures.crowns, random.range(0.08, 0.25), random.range(1, 4));
    }
  }
}

/** Freshly burnt ground, dark and reddish, with pale ash, beside a clearing if there is one. */
export function paintSlashBurn(scene: Scene): void {
  const { random, canvas, textures } = scene;
  for (let k = random.integer(1, 3); k > 0; k--) {
    const near = scene.clearings.length > 0 ? random.pick(scene.clearings) : somewhere(random, 60);
    const centre = {
      x: Math.max(30, Math.min(SPAN - 30, near.x + random.normal(0, 35))),
      y: Math.max(30, Math.min(SPAN - 30, near.y + random.normal(0, 35))),
    };
    scene.clearings.push(centre);
    const outline = blob(random, centre, random.range(24, 62), random.integer(4, 8), 0.3);
    const mask = polygonMask(scene, outline, random.range(1, 8));
    paint(canvas, mask, vary(random.pick(BURNT), random, 0.15), textures.crowns, 0.2);
    modulate(canvas, mask, textures.patches, 0.14);
    const [ash] = canvas.scratch;
    fillAsh(ash, mask.cover, textures);
    paint(canvas, { ...mask, cover: ash }, [105, 86, 75], textures.grain, 0.1);
  }
}

function fillAsh(ash: Float32Array, burnt: Float32Array, { crowns, patches }: Textures): void {
  for (let i = 0; i < ash.length; i++) {
    ash[i] = burnt[i] * Math.max(0, Math.min(0.6, crowns[i] * 0.8 + patches[i] * 0.4 - 0.75));
  }
}

/** Open, smooth, pale or reddish ground: large if there is no forest, else outcrops and pits of some tens of units. */
export function paintBareGround(scene: Scene): void {
  const { random, canvas } = scene;
  const surface = vary(random.pick(BARE), random, 0.2);
  if (scene.tags.has("primary") && random.chance(0.7)) {
    const outline = blob(random, somewhere(random, 50), random.range(22, 60), random.integer(5, 9), 0.4);
    paintBare(scene, polygonMask(scene, outline, random.range(4, 12)), surface);
    return;
  }
  const [noise, inside] = canvas.scratch;
  fillCoarse(noise, canvas.size, canvas.unit, sharedTables().fractal, randomView(random, random.range(0.35, 0.8)), 2);
  thresholdNoise(inside, noise, random.range(-1, 0.2), random.range(0.1, 0.5));
  paintBare(scene, wholeMask(canvas, inside), surface);
  paintRim(scene, noise, inside);
}

function paintBare(scene: Scene, mask: Mask, surface: Surface): void {
  paint(scene.canvas, mask, surface, scene.textures.grain, 0.03);
  modulate(scene.canvas, mask, scene.textures.patches, scene.random.range(0.04, 0.14));
}

/** The paler rims of dried pans and outcrops. */
function paintRim(scene: Scene, noise: Float32Array, inside: Float32Array): void {
  keepBand(inside, noise, scene.random.range(0.3, 1));
  paint(scene.canvas, wholeMask(scene.canvas, inside), [165, 136, 116], scene.textures.grain, 0.03);
}

/** Keeps of the cover only what lies near `level` of the noise. */
function keepBand(cover: Float32Array, noise: Float32Array, level: number): void {
  for (let i = 0; i < cover.length; i++) {
    cover[i] *= 0.6 * Math.max(0, 1 - Math.abs(noise[i] - level) * 6);
  }
}
