/** What the layers of one tile share: its tags, its random numbers, its canvas and textures, and where things were put. */
import { type Canvas, createCanvas, paint, type Surface } from "./canvas.js";
import { fillPolygon, strokePath, warpMask } from "./mask.js";
import { fillCrowns, fillSmooth, randomView, sharedTables } from "./noise.js";
import { type Point, toPixels } from "./path.js";
import { createRandom, type Random } from "./random.js";
import type { PlanetTag } from "./tag-model.js";

/** Planes `[size, size]` float32, mean 0 and deviation about 1. */
export interface Textures {
  /** Tree crowns lit from the sun's side. */
  crowns: Float32Array;
  /** Fine grain. */
  grain: Float32Array;
  /** Patches tens of units wide. */
  patches: Float32Array;
  /** Displacements that make edges ragged. */
  warpX: Float32Array;
  warpY: Float32Array;
}

export interface Scene {
  random: Random;
  tags: ReadonlySet<PlanetTag>;
  canvas: Canvas;
  textures: Textures;
  /** Where the light comes from: a unit vector in picture coordinates. */
  sun: Point;
  /** Middle of the land in use, which roads seek. */
  focus: Point;
  roads: Point[][];
  rivers: Point[][];
  clearings: Point[];
}

const CONTENT_STREAM = 2;
const canvases = new Map<number, { canvas: Canvas; textures: Textures }>();

/** A scene with fresh random numbers and textures, and nothing painted yet. Its planes belong to the thread, and are used again. */
export function openScene(seed: number, index: number, size: number, tags: readonly PlanetTag[]): Scene {
  const random = createRandom(seed, index, CONTENT_STREAM);
  const { canvas, textures } = threadCanvas(size);
  const azimuth = random.range(0, 2 * Math.PI);
  const sun = { x: Math.cos(azimuth), y: Math.sin(azimuth) };
  fillTextures(textures, canvas, random, sun);
  const focus = { x: random.range(40, 216), y: random.range(40, 216) };
  return { random, tags: new Set(tags), canvas, textures, sun, focus, roads: [], rivers: [], clearings: [] };
}

function threadCanvas(size: number) {
  let entry = canvases.get(size);
  if (entry === undefined) {
    const plane = () => new Float32Array(size * size);
    const textures = { crowns: plane(), grain: plane(), patches: plane(), warpX: plane(), warpY: plane() };
    entry = { canvas: createCanvas(size), textures };
    canvases.set(size, entry);
  }
  return entry;
}

function fillTextures(textures: Textures, { size, unit }: Canvas, random: Random, sun: Point): void {
  const { fractal, grain, crowns } = sharedTables();
  const slope = random.range(0.5, 1.3);
  const light = {
    alongX: -slope * sun.x,
    alongY: -slope * sun.y,
    tone: random.range(0.2, 0.9),
    height: random.range(0, 0.9),
  };
  fillCrowns(textures.crowns, size, unit, crowns, randomView(random, random.range(0.55, 1.5)), light);
  fillSmooth(textures.grain, size, unit, grain, randomView(random, random.range(0.5, 1.1)));
  fillSmooth(textures.patches, size, unit, fractal, randomView(random, random.range(0.5, 1.6)));
  const ragged = random.range(0.8, 2.2);
  fillSmooth(textures.warpX, size, unit, fractal, randomView(random, ragged));
  fillSmooth(textures.warpY, size, unit, fractal, randomView(random, ragged));
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
export function polygonMask(scene: Scene, points: readonly Point[], rag: number): Float32Array {
  const { size, unit, mask } = scene.canvas;
  mask.fill(0);
  fillPolygon(mask, size, toPixels(points, unit));
  return rag > 0 ? raggedMask(scene, rag) : mask;
}

/** The mask of lines (scene units) with given width; valid until the next mask is made. */
export function lineMask(
  scene: Scene,
  lines: readonly (readonly Point[])[],
  width: number | ((index: number) => number),
  rag: number,
): Float32Array {
  const { size, unit, mask } = scene.canvas;
  mask.fill(0);
  const inPixels = typeof width === "number" ? width * unit : (index: number) => width(index) * unit;
  for (const line of lines) {
    strokePath(mask, size, toPixels(line, unit), inPixels);
  }
  return rag > 0 ? raggedMask(scene, rag) : mask;
}

/** The canvas' mask, warped: what straight edges become. */
export function raggedMask(scene: Scene, rag: number): Float32Array {
  const { size, unit, mask, warped } = scene.canvas;
  warpMask(warped, mask, size, scene.textures.warpX, scene.textures.warpY, rag * unit);
  return warped;
}
