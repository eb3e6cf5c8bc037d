/** Shapes drawn into planes of cover `[size, size]` float32 in [0, 1]; coordinates are pixels. */
import type { Mask } from "./canvas.js";
import type { Point } from "./path.js";

/** Sets the inside of a polygon (even-odd) to `value`. Edges are hard: the sensor's blur comes last. */
export function fillPolygon(plane: Float32Array, size: number, points: readonly Point[], value = 1): void {
  const crossings: number[] = [];
  for (let y = 0; y < size; y++) {
    crossings.length = 0;
    for (let k = 0, j = points.length - 1; k < points.length; j = k++) {
      const [a, b] = [points[k]!, points[j]!];
      if (a.y > y + 0.5 !== b.y > y + 0.5) {
        crossings.push(a.x + ((y + 0.5 - a.y) / (b.y - a.y)) * (b.x - a.x));
      }
    }
    crossings.sort((a, b) => a - b);
    for (let k = 0; k + 1 < crossings.length; k += 2) {
      const from = Math.max(0, Math.round(crossings[k]!));
      const to = Math.min(size, Math.round(crossings[k + 1]!));
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
  for (let k = 0; k + 1 < points.length; k++) {
    const half = (typeof width === "number" ? width : width(k)) / 2;
    strokeSegment(plane, size, points[k]!, points[k + 1]!, half);
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
      if (cover > plane[at]!) {
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
      if (cover > plane[at]!) {
        plane[at] = cover;
      }
    }
  }
}

/** The box around `points`, `margin` pixels wider, within the picture. */
export function boxAround(points: readonly Point[], margin: number, size: number): Omit<Mask, "cover"> {
  const box = { left: size, top: size, right: 0, bottom: 0 };
  for (const { x, y } of points) {
    box.left = Math.min(box.left, Math.floor(x - margin));
    box.top = Math.min(box.top, Math.floor(y - margin));
    box.right = Math.max(box.right, Math.ceil(x + margin) + 1);
    box.bottom = Math.max(box.bottom, Math.ceil(y + margin) + 1);
  }
  box.left = Math.max(0, box.left);
  box.top = Math.max(0, box.top);
  box.right = Math.min(size, box.right);
  box.bottom = Math.min(size, box.bottom);
  return box;
}

/** Writes `source`, with every pixel fetched from `amplitude * (dx, dy)` away, to `target`: straight edges become ragged ones. */
export function warpMask(
  target: Mask,
  source: Float32Array,
  size: number,
  dx: Float32Array,
  dy: Float32Array,
  amplitude: number,
): void {
  const last = size - 1;
  for (let y = target.top; y < target.bottom; y++) {
    for (let x = target.left, i = y * size + x; x < target.right; x++, i++) {
      const fromX = Math.max(0, Math.min(last, (x + amplitude * dx[i]! + 0.5) | 0));
      const fromY = Math.max(0, Math.min(last, (y + amplitude * dy[i]! + 0.5) | 0));
      target.cover[i] = source[fromY * size + fromX]!;
    }
  }
}

/** Turns a plane of noise into cover: 0 below `level`, `most` above `level + soft`. */
export function thresholdNoise(target: Float32Array, noise: Float32Array, level: number, soft: number, most = 1): void {
  for (let i = 0; i < target.length; i++) {
    target[i] = most * Math.max(0, Math.min(1, (noise[i]! - level) / soft));
  }
}
