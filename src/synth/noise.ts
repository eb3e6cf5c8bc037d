/**
 * Tileable tables, computed once per thread, and functions that fill planes from them. All random values of pixels come
 * from these tables.
 */
import { createDraws, type Draws } from "./draws.js";

/** Texels per side of a noise table. */
const SIDE = 512;
/** Texels per side of the crown table, which is twice as fine as a tile's pixels. */
const CROWN_SIDE = 512;
/** A view of a table: texels per scene unit, turned by `angle`, from `(u, v)`. */
export interface View {
  scale: number;
  angle: number;
  u: number;
  v: number;
}

export interface Tables {
  /** Fractal noise, [512, 512] float32, mean 0, deviation 1, periods from 128 down to 4 texels. */
  fractal: Float32Array;
  /** Nearly white noise, [512, 512] float32, mean 0, deviation 1. */
  grain: Float32Array;
  /** Tree crowns, [512, 512], four int8 in each, lowest first: slope along u, slope along v, tone of the crown, height. */
  crowns: Int32Array;
}

let tables: Tables | undefined;

/**
 * The thread's tables. They are the same in every thread, because their seed is a constant; tiles differ by their
 * views.
 */
export function sharedTables(): Tables {
  tables ??= { fractal: makeFractal(), grain: makeGrain(), crowns: makeCrowns() };
  return tables;
}

/** A view at random place and angle. */
export function randomView(random: Draws, scale: number): View {
  return { scale, angle: random.range(0, 2 * Math.PI), u: random.range(0, SIDE), v: random.range(0, SIDE) };
}

/** Fills `out` `[size, size]` with `table` seen through `view`, interpolated bilinearly; `unit` is pixels per scene unit. */
export function fillSmooth(out: Float32Array, size: number, unit: number, table: Float32Array, view: View): void {
  const { u: u0, v: v0, du, dv } = toFixed(view, view.scale / unit);
  const mask = SIDE - 1;
  for (let y = 0, i = 0; y < size; y++) {
    let u = (u0 - Math.imul(y, dv)) | 0;
    let v = (v0 + Math.imul(y, du)) | 0;
    for (let x = 0; x < size; x++, i++) {
      const left = (u >> 16) & mask;
      const right = (left + 1) & mask;
      const above = ((v >> 16) & mask) * SIDE;
      const below = (above + SIDE) & (SIDE * SIDE - 1);
      const across = (u & 0xffff) / 65536;
      const top = table[above + left] + across * (table[above + right] - table[above + left]);
      const bottom = table[below + left] + across * (table[below + right] - table[below + left]);
      out[i] = top + ((v & 0xffff) / 65536) * (bottom - top);
      u = (u + du) | 0;
      v = (v + dv) | 0;
    }
  }
}

/** Place and step in 1/65536 texel: integers are faster than truncating floats, and wrap around as the tables do. */
function toFixed(view: View, step: number) {
  return {
    u: Math.round(view.u * 65536) | 0,
    v: Math.round(view.v * 65536) | 0,
    du: Math.round(step * Math.cos(view.angle) * 65536) | 0,
    dv: Math.round(step * Math.sin(view.angle) * 65536) | 0,
  };
}

/** Memory of one thread: the coarse grid, one row of it interpolated, and the rise per pixel between its nodes. */
let grid = new Float32Array(0);
let row = new Float32Array(0);
let rise = new Float32Array(0);

/** `fillSmooth` for noise without detail below `step` (2 or 4) pixels: sampled on a grid, and interpolated; several times faster. */
export function fillCoarse(
  out: Float32Array,
  size: number,
  unit: number,
  table: Float32Array,
  view: View,
  step: 2 | 4,
): void {
  const nodes = Math.ceil(size / step) + 1;
  if (row.length !== nodes) {
    grid = new Float32Array(nodes * nodes);
    row = new Float32Array(nodes);
    rise = new Float32Array(nodes);
  }
  fillSmooth(grid, nodes, unit / step, table, view);
  const shift = step === 2 ? 1 : 2;
  const [from, by] = [row, rise];
  for (let y = 0; y < size; y++) {
    interpolateRow(grid, from, by, (y >> shift) * nodes, (y & (step - 1)) / step, step);
    spreadRow(out, y * size, (y + 1) * size, from, by, step);
  }
}

/** The pixels `[i, end)` of a row from its nodes, two at a time: the longest loop of a tile. */
function spreadRow(out: Float32Array, i: number, end: number, from: Float32Array, by: Float32Array, step: 2 | 4): void {
  const paired = end - ((end - i) % step);
  let node = 0;
  for (; i < paired; i += step, node++) {
    const value = from[node];
    const slope = by[node];
    out[i] = value;
    out[i + 1] = value + slope;
    if (step === 4) {
      out[i + 2] = value + 2 * slope;
      out[i + 3] = value + 3 * slope;
    }
  }
  for (let k = 0; i < end; i++, k++) {
    out[i] = from[node] + k * by[node];
  }
}

function interpolateRow(
  nodes: Float32Array,
  values: Float32Array,
  rises: Float32Array,
  above: number,
  down: number,
  step: number,
): void {
  let last = 0;
  for (let k = 0, at = above; k < values.length; k++, at++) {
    const value = nodes[at] + down * (nodes[at + values.length] - nodes[at]);
    values[k] = value;
    if (k > 0) {
      rises[k - 1] = (value - last) / step;
    }
    last = value;
  }
}

/** Fills `out` with whole rows of `table`, one texel per pixel, from the view's place on. */
export function fillRows(out: Float32Array, size: number, table: Float32Array, view: View): void {
  const [left, top] = [Math.floor(view.u), Math.floor(view.v)];
  for (let y = 0; y < size; y++) {
    const line = ((top + y) & (SIDE - 1)) * SIDE;
    for (let x = 0; x < size; ) {
      const from = (left + x) & (SIDE - 1);
      const length = Math.min(SIDE - from, size - x);
      out.set(table.subarray(line + from, line + from + length), y * size + x);
      x += length;
    }
  }
}

/** How crowns are lit: weights of the four channels of the crown table. */
interface CrownLight {
  alongX: number;
  alongY: number;
  tone: number;
  height: number;
}

/** Fills `out` `[size, size]` with lit crowns seen through `view` (nearest texel). */
export function fillCrowns(
  out: Float32Array,
  size: number,
  unit: number,
  crowns: Int32Array,
  view: View,
  light: CrownLight,
): void {
  const { u: u0, v: v0, du, dv } = toFixed(view, (2 * view.scale) / unit);
  const [cos, sin] = [Math.cos(view.angle), Math.sin(view.angle)];
  // The light is given in the picture's directions; slopes are stored in the table's. Weights are in 1/65536.
  const fixed = (weight: number) => Math.round((weight * 65536) / 127);
  const wu = fixed(light.alongX * cos - light.alongY * sin);
  const wv = fixed(light.alongX * sin + light.alongY * cos);
  const wt = fixed(light.tone);
  const wh = fixed(light.height);
  const mask = CROWN_SIDE - 1;
  for (let y = 0, i = 0; y < size; y++) {
    let u = (u0 - Math.imul(y, dv)) | 0;
    let v = (v0 + Math.imul(y, du)) | 0;
    for (let x = 0; x < size; x++, i++) {
      const texel = crowns[((v >> 16) & mask) * CROWN_SIDE + ((u >> 16) & mask)];
      const lit =
        Math.imul(wu, (texel << 24) >> 24) +
        Math.imul(wv, (texel << 16) >> 24) +
        Math.imul(wt, (texel << 8) >> 24) +
        Math.imul(wh, texel >> 24);
      out[i] = lit / 65536;
      u = (u + du) | 0;
      v = (v + dv) | 0;
    }
  }
}

function makeFractal(): Float32Array {
  const random = createDraws(1, 101);
  const table = new Float32Array(SIDE * SIDE);
  for (let cells = 4, amplitude = 1; cells <= 128; cells *= 2, amplitude *= 0.56) {
    addOctave(table, cells, amplitude, random);
  }
  return standardise(table);
}

/** Adds value noise with `cells` cells per side, interpolated with a smooth step. */
function addOctave(table: Float32Array, cells: number, amplitude: number, random: Draws): void {
  const values = Float32Array.from({ length: cells * cells }, () => random.normal(0, amplitude));
  const cellSide = SIDE / cells;
  for (let y = 0, i = 0; y < SIDE; y++) {
    const cy = Math.floor(y / cellSide);
    const fy = smooth(y / cellSide - cy);
    const row = cy * cells;
    const below = ((cy + 1) % cells) * cells;
    for (let x = 0; x < SIDE; x++, i++) {
      const cx = Math.floor(x / cellSide);
      const next = (cx + 1) % cells;
      const fx = smooth(x / cellSide - cx);
      const top = values[row + cx] + fx * (values[row + next] - values[row + cx]);
      const bottom = values[below + cx] + fx * (values[below + next] - values[below + cx]);
      table[i] += top + fy * (bottom - top);
    }
  }
}

function smooth(t: number): number {
  return t * t * (3 - 2 * t);
}

function makeGrain(): Float32Array {
  const random = createDraws(1, 102);
  return standardise(Float32Array.from({ length: SIDE * SIDE }, () => random.normal(0, 1)));
}

function standardise(table: Float32Array): Float32Array {
  let sum = 0;
  let squares = 0;
  for (const value of table) {
    sum += value;
    squares += value * value;
  }
  const mean = sum / table.length;
  const deviation = Math.sqrt(squares / table.length - mean * mean);
  return table.map((value) => (value - mean) / deviation);
}

/** Overlapping paraboloids of random height and tone: at each texel the highest is visible. */
function makeCrowns(): Int32Array {
  const random = createDraws(1, 103);
  const height = new Float32Array(CROWN_SIDE * CROWN_SIDE);
  const tone = new Int8Array(CROWN_SIDE * CROWN_SIDE);
  for (let count = 0; count < 10500; count++) {
    const radius = 3 + 6.5 * random.next() ** 2.2;
    plantCrown(height, tone, random, radius);
  }
  const crowns = new Int32Array(CROWN_SIDE * CROWN_SIDE);
  const mask = CROWN_SIDE - 1;
  for (let y = 0, i = 0; y < CROWN_SIDE; y++) {
    for (let x = 0; x < CROWN_SIDE; x++, i++) {
      const row = y * CROWN_SIDE;
      const slopeU = height[row + ((x + 1) & mask)] - height[row + ((x - 1) & mask)];
      const slopeV = height[((y + 1) & mask) * CROWN_SIDE + x] - height[((y - 1) & mask) * CROWN_SIDE + x];
      crowns[i] =
        (clampByte(slopeU * 28) & 255) |
        ((clampByte(slopeV * 28) & 255) << 8) |
        ((tone[i] & 255) << 16) |
        (clampByte(height[i] * 14 - 90) << 24);
    }
  }
  return crowns;
}

function plantCrown(height: Float32Array, tone: Int8Array, random: Draws, radius: number): void {
  const [cx, cy] = [random.integer(0, CROWN_SIDE - 1), random.integer(0, CROWN_SIDE - 1)];
  const base = random.range(0, 5) + 0.35 * radius;
  const shade = clampByte(random.normal(0, 45));
  const reach = Math.ceil(radius);
  const mask = CROWN_SIDE - 1;
  for (let dy = -reach; dy <= reach; dy++) {
    for (let dx = -reach; dx <= reach; dx++) {
      const inside = 1 - (dx * dx + dy * dy) / (radius * radius);
      const at = ((cy + dy) & mask) * CROWN_SIDE + ((cx + dx) & mask);
      if (inside > 0 && base + radius * inside > height[at]) {
        height[at] = base + radius * inside;
        tone[at] = shade;
      }
    }
  }
}

function clampByte(value: number): number {
  return Math.max(-127, Math.min(127, Math.round(value)));
}
