/** Shapes drawn into planes of cover `[size, size]` float32 in [0, 1]; coordinates are pixels. */
import type { Mask } from "./canvas.js";
import type { Point } from "./path.js";

/** Sets the inside of a polygon (even-odd) to `value`. Edges are hard: the sensor's blur comes last. */
export function fillPolygon(plane: Float32Array, size: number, points: readonly Point[], value = 1): void {
  const crossings: number[] = [];
  for (let y = 0; y < size; y++) {
    crossings.length = 0;
    for (let k = 0, j = points.length - 1; k < points.length; j = k++) {
      const [a, b] = [points[k], points[j]];
      if (a.y > y + 0.5 !== b.y > y + 0.5) {
        crossings.push(a.x + ((y + 0.5 - a.y) / (b.y - a.y)) * (b.x - a.x));
      }
    }
    crossings.sort((a, b) => a - b);
    for (let k = 0; k + 1 < crossings.length; k += 2) {
      const from = Math.max(0, Math.round(crossings[k]));
      const to = Math.min(size, Math.round(crossings[k + 1]));
      if (to > from) {
        plane.fill(value, y * size + from, y * size + to);
      }
    }
  }
}

/** Draws a line of the given width along `points`, with soft edges; where masks overlap the larger cover wins. */
export function strokePath(
  plane: Float32Array,
  size: number,
  points: readonly Point[],
  width: number | ((index: number) => number),
): void {
  const last = points.length - 1;
  for (let k = 0; k < last; ) {
    const half = (typeof width === "number" ? width : width(k)) / 2;
    // Every segment touches all pixels within its width, so broad lines have fewer and longer segments.
    const next = Math.min(last, k + 1 + Math.floor(half / 14));
    strokeSegment(plane, size, points[k], points[next], half);
    k = next;
  }
}

function strokeSegment(plane: Float32Array, size: number, a: Point, b: Point, half: number): void {
  const reach = half + 1;
  const fromX = Math.max(0, Math.floor(Math.min(a.x, b.x) - reach));
  const toX = Math.min(size - 1, Math.ceil(Math.max(a.x, b.x) + reach));
  const fromY = Math.max(0, Math.floor(Math.min(a.y, b.y) - reach));
  const toY = Math.min(size - 1, Math.ceil(Math.max(a.y, b.y) + reach));
  const [dx, dy] = [b.x - a.x, b.y - a.y];
  const lengthSquared = dx * dx + dy * dy || 1;
  for (let y = fromY; y <= toY; y++) {
    for (let x = fromX; x <= toX; x++) {
      const t = Math.max(0, Math.min(1, ((x - a.x) * dx + (y - a.y) * dy) / lengthSquared));
      const [px, py] = [x - a.x - t * dx, y - a.y - t * dy];
      const cover = Math.min(1, half + 0.5 - Math.sqrt(px * px + py * py), 2 * half);
      const at = y * size + x;
      if (cover > plane[at]) {
        plane[at] = cover;
      }
    }
  }
}

/** Draws an ellipse of half-axes `rx`, `ry` whose cover falls from 1 in the middle to 0 at the rim over the outer `soft` share. */
export function fillEllipse(
  plane: Float32Array,
  size: number,
  centre: Point,
  rx: number,
  ry: number,
  angle: number,
  soft: number,
): void {
  const reach = Math.max(rx, ry);
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  const toY = Math.min(size - 1, Math.ceil(centre.y + reach));
  const toX = Math.min(size - 1, Math.ceil(centre.x + reach));
  for (let y = Math.max(0, Math.floor(centre.y - reach)); y <= toY; y++) {
    for (let x = Math.max(0, Math.floor(centre.x - reach)); x <= toX; x++) {
      const u = ((x - centre.x) * cos + (y - centre.y) * sin) / rx;
      const v = ((y - centre.y) * cos - (x - centre.x) * sin) / ry;
      const cover = Math.min(1, (1 - Math.sqrt(u * u + v * v)) / soft);
      const at = y * size + x;
      if (cover > plane[at]) {
        plane[at] = cover;
      }
    }
  }
}

/**
 * The columns between which each row of `plane` has any cover; none: both 0. Only rows within `margin` of a point are
 * scanned.
 */
export function findSpans(
  plane: Float32Array,
  size: number,
  points: readonly Point[],
  margin: number,
): Pick<Mask, "from" | "to"> {
  const from = new Int32Array(size);
  const to = new Int32Array(size);
  let top = size;
  let bottom = 0;
  for (const { y } of points) {
    top = Math.max(0, Math.min(top, Math.floor(y - margin)));
    bottom = Math.min(size, Math.max(bottom, Math.ceil(y + margin) + 1));
  }
  for (let y = top; y < bottom; y++) {
    const start = y * size;
    let end = start + size;
    while (end > start && plane[end - 1] === 0) {
      end--;
    }
    let first = start;
    while (first < end && plane[first] === 0) {
      first++;
    }
    from[y] = end > start ? first - start : 0;
    to[y] = end - start;
  }
  return { from, to };
}

/** Spans grown by `reach` pixels to all sides. */
export function growSpans({ from, to }: Pick<Mask, "from" | "to">, reach: number): Pick<Mask, "from" | "to"> {
  const size = from.length;
  const grown = { from: new Int32Array(size), to: new Int32Array(size) };
  for (let y = 0; y < size; y++) {
    let left = size;
    let right = 0;
    for (let near = Math.max(0, y - reach); near <= Math.min(size - 1, y + reach); near++) {
      if (to[near] > from[near]) {
        left = Math.min(left, from[near]);
        right = Math.max(right, to[near]);
      }
    }
    grown.from[y] = Math.max(0, Math.min(left, right) - reach);
    grown.to[y] = right === 0 ? 0 : Math.min(size, right + reach);
  }
  return grown;
}

/**
 * Writes `source` to `target`, with every pixel taken from `amplitude * (dx, dy)` away: straight edges become ragged.
 */
export function warpMask(
  target: Mask,
  source: Float32Array,
  size: number,
  dx: Float32Array,
  dy: Float32Array,
  amplitude: number,
): void {
  const last = size - 1;
  for (let y = 0; y < size; y++) {
    const end = target.to[y];
    for (let x = target.from[y], i = y * size + x; x < end; x++, i++) {
      const fromX = Math.max(0, Math.min(last, (x + amplitude * dx[i] + 0.5) | 0));
      const fromY = Math.max(0, Math.min(last, (y + amplitude * dy[i] + 0.5) | 0));
      target.cover[i] = source[fromY * size + fromX];
    }
  }
}

/** Turns a plane of noise into cover: 0 below `level`, `most` above `level + soft`. */
export function thresholdNoise(target: Float32Array, noise: Float32Array, level: number, soft: number, most = 1): void {
  for (let i = 0; i < target.length; i++) {
    target[i] = most * Math.max(0, Math.min(1, (noise[i] - level) / soft));
  }
}
