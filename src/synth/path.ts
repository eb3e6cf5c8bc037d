/** Lines in scene units (a tile spans 256): how rivers, roads and tracks run, and polygons for fields. */
import type { Draws } from "./draws.js";

export interface Point {
  x: number;
  y: number;
}

/** Units per side of a scene. */
export const SPAN = 256;

const STEP = 5;
const MARGIN = 40;

/**
 * How a line bends: `meander` is the amplitude of a slow wave in radians, `jitter` the random turn per step in radians.
 */
interface Course {
  meander: number;
  jitter: number;
  /** Units per wave. */
  wave: number;
}

/** A line through `through` with overall direction `heading`, from beyond one border to beyond another. */
export function crossing(random: Draws, through: Point, heading: number, course: Course): Point[] {
  const forward = walk(random, through, heading, course, 600);
  const backward = walk(random, through, heading + Math.PI, course, 600);
  return [...backward.reverse(), ...forward.slice(1)];
}

/** A line from `start` along `heading`, `length` units long unless it leaves the scene. */
export function walk(random: Draws, start: Point, heading: number, course: Course, length: number): Point[] {
  const points = [start];
  const phase = random.range(0, 2 * Math.PI);
  let [drift, { x, y }] = [0, start];
  for (let travelled = 0; travelled < length && inScene(x, y, MARGIN); travelled += STEP) {
    drift = 0.92 * drift + random.normal(0, course.jitter);
    const swing = course.meander * (Math.sin(phase + (2 * Math.PI * travelled) / course.wave) - Math.sin(phase));
    x += STEP * Math.cos(heading + drift + swing);
    y += STEP * Math.sin(heading + drift + swing);
    points.push({ x, y });
  }
  return points;
}

/** Whether a place is in the scene or at most `margin` units outside. */
export function inScene(x: number, y: number, margin = 0): boolean {
  return x >= -margin && y >= -margin && x <= SPAN + margin && y <= SPAN + margin;
}

/** A random place at least `margin` units from the border. */
export function somewhere(random: Draws, margin: number): Point {
  return { x: random.range(margin, SPAN - margin), y: random.range(margin, SPAN - margin) };
}

/** An irregular polygon around `centre` with radius about `radius`. */
export function blob(random: Draws, centre: Point, radius: number, corners: number, irregularity: number): Point[] {
  const turn = random.range(0, 2 * Math.PI);
  return Array.from({ length: corners }, (_, k) => {
    const angle = turn + ((k + random.range(-0.3, 0.3)) * 2 * Math.PI) / corners;
    const reach = radius * (1 + random.range(-irregularity, irregularity));
    return { x: centre.x + reach * Math.cos(angle), y: centre.y + reach * Math.sin(angle) };
  });
}

/** A rectangle (corners shifted by up to `skew` of its sides) around `centre`, turned by `angle`. */
export function quad(random: Draws, centre: Point, width: number, height: number, angle: number, skew: number) {
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  return [
    [-0.5, -0.5],
    [0.5, -0.5],
    [0.5, 0.5],
    [-0.5, 0.5],
  ].map(([u, v]): Point => {
    const px = (u + random.range(-skew, skew)) * width;
    const py = (v + random.range(-skew, skew)) * height;
    return { x: centre.x + px * cos - py * sin, y: centre.y + px * sin + py * cos };
  });
}

/** Scene units to pixels. */
export function toPixels(points: readonly Point[], unit: number): Point[] {
  return points.map(({ x, y }) => ({ x: x * unit, y: y * unit }));
}
