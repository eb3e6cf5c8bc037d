/** Operators of two or more values with broadcasting: where a value was repeated, its gradients are added up. */
import type { Dims } from "../onnx/shapes.js";
import { constantInput, dimsOf, fail, inputOf, type Rule, type Site } from "./rule.js";

/** The gradient of input `at`, given that of the result: `gradient` summed over the axes along which it was repeated. */
export function unbroadcast(site: Site, gradient: string, at: number): string {
  const name = inputOf(site, at);
  const to = dimsOf(site, name);
  const from = dimsOf(site, site.node.output[0] ?? "");
  const axes = repeatedAxes(site, name, from, to);
  if (axes.length === 0) return gradient;
  const sum = site.emit.sum(gradient, axes);
  return from.length === to.length ? sum : site.emit.reshapeLike(sum, name);
}

/** Axes of `from` along which the value `name` of dims `to` is repeated. */
export function repeatedAxes({ node }: Site, name: string, from: Dims, to: Dims): number[] {
  const lead = from.length - to.length;
  return [...from.keys()].filter((axis) => {
    if (axis < lead) return true;
    const size = to[axis - lead];
    // The first axis may be open in both: that of the batch.
    const isBatch = axis === 0 && from[0] === undefined;
    if (size === undefined && !isBatch) fail(node, `the size of axis ${axis - lead} of "${name}" is not fixed`);
    return size === 1 && from[axis] !== 1;
  });
}

/** A rule from the partial derivative by each input, times the gradient of the result. */
function elementwise(...terms: ((site: Site, a: string, b: string) => string)[]): Rule {
  return (site) =>
    terms.map((term, at) =>
      site.wants(at) ? unbroadcast(site, term(site, inputOf(site, 0), inputOf(site, 1)), at) : undefined,
    );
}

const through = ({ dy }: Site) => dy;
const negated = ({ dy, emit }: Site) => emit.op("Neg", [dy]);

export const add: Rule = elementwise(through, through);
export const subtract: Rule = elementwise(through, negated);
export const multiply: Rule = elementwise(
  ({ dy, emit }, _a, b) => emit.op("Mul", [dy, b]),
  ({ dy, emit }, a) => emit.op("Mul", [dy, a]),
);

/** d(a / b) = da / b - db a / b^2, with a / b the result. */
export const divide: Rule = elementwise(
  ({ dy, emit }, _a, b) => emit.op("Div", [dy, b]),
  ({ dy, emit, node }, _a, b) => emit.op("Neg", [emit.op("Div", [emit.op("Mul", [dy, node.output[0]]), b])]),
);

/** d(a^c) = c a^(c - 1) da, for constant exponents. */
export const power: Rule = (site) => {
  const { emit, dy, node } = site;
  if (site.wants(1)) fail(node, "its exponent is no constant");
  const exponents = constantInput(site, 1) ?? [];
  const [exponent = Number.NaN] = exponents;
  if (exponents.length !== 1) fail(node, "it has several exponents");
  const a = inputOf(site, 0);
  const slope = exponent === 2 ? emit.op("Mul", [a, 2]) : emit.op("Mul", [emit.op("Pow", [a, exponent - 1]), exponent]);
  return [unbroadcast(site, emit.op("Mul", [dy, slope]), 0)];
};

/** Sum, and Mean of any number of values. */
export const sumOfAll: Rule = (site) =>
  site.node.input.map((_, at) => (site.wants(at) ? unbroadcast(site, site.dy, at) : undefined));

export const meanOfAll: Rule = (site) => {
  const share = site.emit.op("Div", [site.dy, site.node.input.length]);
  return site.node.input.map((_, at) => (site.wants(at) ? unbroadcast(site, share, at) : undefined));
};

/** The gradient goes to the input that gave the result; of equal ones to each. */
export const extremum: Rule = (site) => {
  const { emit, dy, node } = site;
  return node.input.map((name, at) => {
    if (!site.wants(at)) return undefined;
    const chosen = emit.indicator(emit.op("Equal", [name, node.output[0]]));
    return unbroadcast(site, emit.op("Mul", [dy, chosen]), at);
  });
};

/** Where(condition, a, b). */
export const where: Rule = (site) => {
  const { emit, dy } = site;
  const condition = inputOf(site, 0);
  return [
    undefined,
    site.wants(1) ? unbroadcast(site, emit.op("Where", [condition, dy, 0]), 1) : undefined,
    site.wants(2) ? unbroadcast(site, emit.op("Where", [condition, 0, dy]), 2) : undefined,
  ];
};

/** A value repeated to a shape. */
export const expand: Rule = (site) => [unbroadcast(site, site.dy, 0)];
