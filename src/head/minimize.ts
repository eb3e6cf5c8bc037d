/**
 * L-BFGS with a strong-Wolfe line search, as a generator: it yields points and is sent value and gradient there, so that many
 * problems over the same data can be evaluated in one pass. After Nocedal and Wright, Numerical Optimization, 2nd edition,
 * algorithms 7.4, 7.5, 3.5 and 3.6.
 */
import { addScaled, combine, dot } from "./vectors.js";

/** A function's value and gradient at a point. */
interface Evaluation {
  value: number;
  gradient: Float64Array;
}

interface MinimizeOptions {
  maxIterations: number;
  /** Stops if no component of the gradient is larger. */
  tolerance: number;
  /** Called with the number of iterations done, and the value and point reached. */
  onIteration?: (iteration: number, value: number, point: Float64Array) => void;
}

export interface Minimum {
  point: Float64Array;
  value: number;
  iterations: number;
  /** False if the iterations ran out. */
  converged: boolean;
}

export type Minimizer = Generator<Float64Array, Minimum, Evaluation>;

interface Correction {
  step: Float64Array;
  change: Float64Array;
  /** 1 / (step . change) */
  rho: number;
}

interface LinePoint extends Evaluation {
  t: number;
  /** Derivative along the line. */
  slope: number;
  point: Float64Array;
}

const MEMORY = 10;
const SUFFICIENT_DECREASE = 1e-4;
const CURVATURE = 0.9;
const MAX_LINE_EVALUATIONS = 20;
/** Relative decreases below this are lost in the rounding of float32. */
const VALUE_RESOLUTION = 1e-9;

/** Minimises a smooth function from `start`. */
export function* minimize(start: Float64Array, options: MinimizeOptions): Minimizer {
  const corrections: Correction[] = [];
  let here: LinePoint = at(start, 0, yield start);
  for (let iteration = 0; iteration < options.maxIterations; iteration++) {
    if (largest(here.gradient) <= options.tolerance) return minimum(here, iteration, true);
    const direction = descentDirection(here.gradient, corrections);
    const first = corrections.length === 0 ? Math.min(1, 1 / norm(here.gradient)) : 1;
    const next = yield* searchLine(here, direction, first);
    if (next === undefined || here.value - next.value <= VALUE_RESOLUTION * Math.abs(here.value)) {
      return minimum(next ?? here, iteration, true);
    }
    remember(corrections, here, next);
    here = next;
    options.onIteration?.(iteration + 1, here.value, here.point);
  }
  return minimum(here, options.maxIterations, false);
}

/** The two-loop recursion: minus the inverse Hessian's approximation times the gradient. */
function descentDirection(gradient: Float64Array, corrections: readonly Correction[]): Float64Array {
  const direction = new Float64Array(gradient.length);
  addScaled(direction, -1, gradient);
  const shares: number[] = [];
  for (const { step, change, rho } of corrections.toReversed()) {
    const share = rho * dot(step, direction);
    shares.push(share);
    addScaled(direction, -share, change);
  }
  const last = corrections.at(-1);
  if (last !== undefined) {
    const scale = 1 / (last.rho * dot(last.change, last.change));
    for (let i = 0; i < direction.length; i++) direction[i] *= scale;
  }
  for (const { step, change, rho } of corrections) {
    addScaled(direction, (shares.pop() as number) - rho * dot(change, direction), step);
  }
  return direction;
}

function remember(corrections: Correction[], from: LinePoint, to: LinePoint): void {
  const step = combine(to.point, -1, from.point);
  const change = combine(to.gradient, -1, from.gradient);
  const curvature = dot(step, change);
  if (curvature > 0) corrections.push({ step, change, rho: 1 / curvature });
  if (corrections.length > MEMORY) corrections.shift();
}

/**
 * Brackets a point that satisfies the strong Wolfe conditions, then closes in on it; undefined if nothing decreases the
 * value.
 */
function* searchLine(
  from: LinePoint,
  direction: Float64Array,
  first: number,
): Generator<Float64Array, LinePoint | undefined, Evaluation> {
  const start = { ...from, t: 0, slope: dot(from.gradient, direction) };
  if (start.slope >= 0) return undefined;
  let before = start;
  let t = first;
  for (let i = 0; i < MAX_LINE_EVALUATIONS; i++) {
    const trial = yield* evaluateAt(start, direction, t);
    const tooHigh = trial.value > start.value + SUFFICIENT_DECREASE * t * start.slope;
    if (tooHigh || (i > 0 && trial.value >= before.value)) return yield* zoom(start, direction, before, trial);
    if (Math.abs(trial.slope) <= -CURVATURE * start.slope) return trial;
    if (trial.slope >= 0) return yield* zoom(start, direction, trial, before);
    before = trial;
    t *= 2;
  }
  return before.t > 0 ? before : undefined;
}

function* zoom(
  start: LinePoint,
  direction: Float64Array,
  low: LinePoint,
  high: LinePoint,
): Generator<Float64Array, LinePoint | undefined, Evaluation> {
  for (let i = 0; i < MAX_LINE_EVALUATIONS; i++) {
    const trial = yield* evaluateAt(start, direction, interpolate(low, high));
    if (trial.value > start.value + SUFFICIENT_DECREASE * trial.t * start.slope || trial.value >= low.value) {
      high = trial;
    } else {
      if (Math.abs(trial.slope) <= -CURVATURE * start.slope) return trial;
      if (trial.slope * (high.t - low.t) >= 0) high = low;
      low = trial;
    }
  }
  return low.t > 0 ? low : undefined;
}

function* evaluateAt(
  start: LinePoint,
  direction: Float64Array,
  t: number,
): Generator<Float64Array, LinePoint, Evaluation> {
  const point = combine(start.point, t, direction);
  const evaluation: Evaluation = yield point;
  return { ...at(point, t, evaluation), slope: dot(evaluation.gradient, direction) };
}

/** Minimum of the cubic through both ends' values and slopes, kept off the ends so that the bracket shrinks. */
function interpolate(a: LinePoint, b: LinePoint): number {
  const d1 = a.slope + b.slope - (3 * (a.value - b.value)) / (a.t - b.t);
  const d2 = Math.sign(b.t - a.t) * Math.sqrt(Math.max(0, d1 * d1 - a.slope * b.slope));
  const cubic = b.t - ((b.t - a.t) * (b.slope + d2 - d1)) / (b.slope - a.slope + 2 * d2);
  const [low, high] = [Math.min(a.t, b.t), Math.max(a.t, b.t)];
  const margin = 0.1 * (high - low);
  return cubic >= low + margin && cubic <= high - margin ? cubic : (low + high) / 2;
}

function at(point: Float64Array, t: number, { value, gradient }: Evaluation): LinePoint {
  return { t, slope: 0, point, value, gradient };
}

function minimum({ point, value }: LinePoint, iterations: number, converged: boolean): Minimum {
  return { point, value, iterations, converged };
}

function norm(a: Float64Array): number {
  return Math.sqrt(dot(a, a));
}

function largest(a: Float64Array): number {
  let most = 0;
  for (let i = 0; i < a.length; i++) most = Math.max(most, Math.abs(a[i]));
  return most;
}
