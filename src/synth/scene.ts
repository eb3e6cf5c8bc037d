/** What the layers of one tile share: tags, random numbers, canvas, textures, and the places of things. */
import { type Canvas, createCanvas, type Mask, paint, type Surface } from "./canvas.js";
import { createDraws, type Draws } from "./draws.js";
import { fillPolygon, findSpans, growSpans, strokePath, warpMask } from "./mask.js";
import { fillCoarse, fillCrowns, fillRows, randomView, sharedTables, type View } from "./noise.js";
import { type Point, toPixels } from "./path.js";
import type { PlanetTag } from "./tag-model.js";

/** Planes `[size, size]` float32, mean 0 and deviation about 1. */
export interface Textures {
  /** Tree crowns lit from the sun's side. */
  crowns: Float32Array;
  /** Fine grain. */
  grain: Float32Array;
  /** Patches tens of units wide. */
  patches: Float32Array;
}

/** Displacements that make edges ragged: planes like textures, but filled only when a tile needs them. */
interface Warp {
  x: Float32Array;
  y: Float32Array;
  views: readonly [View, View];
  filled: boolean;
}

export interface Scene {
  random: Draws;
  tags: ReadonlySet<PlanetTag>;
  canvas: Canvas;
  textures: Textures;
  warp: Warp;
  /** Direction of the light: a unit vector in picture coordinates. */
  sun: Point;
  /** Middle of the land in use; roads lead there. */
  focus: Point;
  roads: Point[][];
  rivers: Point[][];
  clearings: Point[];
}

const CONTENT_STREAM = 2;

interface ThreadMemory {
  canvas: Canvas;
  textures: Textures;
  warp: Pick<Warp, "x" | "y">;
}
const memories = new Map<number, ThreadMemory>();

/** A scene with fresh random numbers and textures, and nothing painted yet. Its planes belong to the thread, and are used again. */
export function openScene(seed: number, index: number, size: number, tags: readonly PlanetTag[]): Scene {
  const random = createDraws(seed, index, CONTENT_STREAM);
  const { canvas, textures, warp } = threadMemory(size);
  const azimuth = random.range(0, 2 * Math.PI);
  const sun = { x: Math.cos(azimuth), y: Math.sin(azimuth) };
  fillTextures(textures, canvas, random, sun);
  const ragged = random.range(0.8, 2.2);
  const views = [randomView(random, ragged), randomView(random, ragged)] as const;
  const focus = { x: random.range(40, 216), y: random.range(40, 216) };
  return {
    random,
    tags: new Set(tags),
    canvas,
    textures,
    warp: { ...warp, views, filled: false },
    sun,
    focus,
    roads: [],
    rivers: [],
    clearings: [],
  };
}

function threadMemory(size: number): ThreadMemory {
  let memory = memories.get(size);
  if (memory === undefined) {
    const plane = () => new Float32Array(size * size);
    const textures = { crowns: plane(), grain: plane(), patches: plane() };
    memory = { canvas: createCanvas(size), textures, warp: { x: plane(), y: plane() } };
    memories.set(size, memory);
  }
  return memory;
}

function fillTextures(textures: Textures, { size, unit }: Canvas, random: Draws, sun: Point): void {
  const { fractal, grain, crowns } = sharedTables();
  const slope = random.range(0.7, 1.3);
  const light = {
    alongX: -slope * sun.x,
    alongY: -slope * sun.y,
    tone: random.range(0.3, 1),
    height: random.range(0, 0.8),
  };
  fillCrowns(textures.crowns, size, unit, crowns, randomView(random, random.range(0.6, 1.7)), light);
  fillRows(textures.grain, size, grain, randomView(random, 1));
  fillCoarse(textures.patches, size, unit, fractal, randomView(random, random.range(0.5, 1.6)), 4);
}

/** Paints a polygon (scene units) with edges ragged by `rag` units. */
export function paintPolygon(
  scene: Scene,
  points: readonly Point[],
  surface: Surface,
  texture: Float32Array,
  contrast: number,
  rag: number,
): void {
  paint(scene.canvas, polygonMask(scene, points, rag), surface, texture, contrast);
}

/** The mask of a polygon (scene units) with edges ragged by `rag` units; valid until the next mask is made. */
export function polygonMask(scene: Scene, points: readonly Point[], rag: number): Mask {
  const { size, unit, drawn } = scene.canvas;
  drawn.fill(0);
  const corners = toPixels(points, unit);
  fillPolygon(drawn, size, corners);
  return finishMask(scene, findSpans(drawn, size, corners, 1), rag);
}

/** The mask of lines (scene units) with given width; valid until the next mask is made. */
export function lineMask(
  scene: Scene,
  lines: readonly (readonly Point[])[],
  width: number | ((index: number) => number),
  rag: number,
): Mask {
  const { size, unit, drawn } = scene.canvas;
  drawn.fill(0);
  let widest = 0;
  const inPixels = (index: number) => {
    const wide = unit * (typeof width === "number" ? width : width(index));
    widest = Math.max(widest, wide);
    return wide;
  };
  const inPicture = lines.map((line) => toPixels(line, unit));
  for (const line of inPicture) {
    strokePath(drawn, size, line, inPixels);
  }
  return finishMask(scene, findSpans(drawn, size, inPicture.flat(), widest / 2 + 2), rag);
}

function finishMask(scene: Scene, spans: Pick<Mask, "from" | "to">, rag: number): Mask {
  const { size, unit, drawn, warped } = scene.canvas;
  if (rag === 0) {
    return { cover: drawn, ...spans };
  }
  const { x, y } = warpPlanes(scene);
  // Displacements beyond 4 deviations do not occur.
  const target = { cover: warped, ...growSpans(spans, Math.ceil(4 * rag * unit)) };
  warpMask(target, drawn, size, x, y, rag * unit);
  return target;
}

/** The displacements of this tile's ragged edges, planes of deviation 1. */
export function warpPlanes(scene: Scene): { x: Float32Array; y: Float32Array } {
  const { warp, canvas } = scene;
  if (!warp.filled) {
    const { fractal } = sharedTables();
    fillCoarse(warp.x, canvas.size, canvas.unit, fractal, warp.views[0], 2);
    fillCoarse(warp.y, canvas.size, canvas.unit, fractal, warp.views[1], 2);
    warp.filled = true;
  }
  return warp;
}
