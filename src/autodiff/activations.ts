/** Activations and other functions of one value, element by element. */
import { stringAttribute } from "../onnx/editing.js";
import type { NodeProto } from "../onnx/gen/onnx_pb.js";
import { constantInput, inputOf, type Rule, type Site } from "./rule.js";

/** A rule from the derivative: the gradient is `dy` times it. */
function pointwise(slope: (site: Site, x: string, y: string) => string): Rule {
  return (site) => {
    const factor = slope(site, inputOf(site, 0), site.node.output[0] ?? "");
    return [site.emit.op("Mul", [site.dy, factor])];
  };
}

function floatAttribute(node: NodeProto, name: string, fallback: number): number {
  return node.attribute.find((each) => each.name === name)?.f ?? fallback;
}

/** 1 where the result is above 0: it is never below. */
export const relu = pointwise(({ emit }, _x, y) => emit.op("Sign", [y]));

/** 1 strictly between the bounds, told from the result. */
export const clip: Rule = (site) => {
  const { emit, node, dy } = site;
  const [low] = constantInput(site, 1) ?? [];
  const [high] = constantInput(site, 2) ?? [];
  return [emit.op("Mul", [dy, between(site, node.output[0], low, high)])];
};

/** 1 where low < value < high, else 0. */
function between({ emit }: Site, value: string, low = Number.NEGATIVE_INFINITY, high = Number.POSITIVE_INFINITY) {
  const masks = [
    ...(Number.isFinite(low) ? [emit.op("Greater", [value, low])] : []),
    ...(Number.isFinite(high) ? [emit.op("Less", [value, high])] : []),
  ];
  const [first, second] = masks;
  if (first === undefined) return emit.number(1);
  return emit.indicator(second === undefined ? first : emit.op("And", [first, second]));
}

/** `ifPositive` where the input is above 0, else `otherwise`. */
function bySign({ emit }: Site, x: string, ifPositive: string | number, otherwise: string | number): string {
  return emit.op("Where", [emit.op("Greater", [x, 0]), ifPositive, otherwise]);
}

export const leakyRelu = pointwise((site, x) => bySign(site, x, 1, floatAttribute(site.node, "alpha", 0.01)));

/** Below 0 the slope is alpha e^x = y + alpha. */
export const elu = pointwise((site, x, y) =>
  bySign(site, x, 1, site.emit.op("Add", [y, floatAttribute(site.node, "alpha", 1)])),
);

/** y (1 - y). */
export const sigmoid = pointwise(({ emit }, _x, y) => emit.op("Mul", [y, emit.op("Sub", [1, y])]));

/** 1 - y^2. */
export const tanh = pointwise(({ emit }, _x, y) => emit.op("Sub", [1, emit.op("Mul", [y, y])]));

export const softplus = pointwise(({ emit }, x) => emit.op("Sigmoid", [x]));

export const hardSigmoid = pointwise((site, _x, y) =>
  site.emit.op("Mul", [between(site, y, 0, 1), floatAttribute(site.node, "alpha", 0.2)]),
);

/** x h(x) with h a hard sigmoid of slope 1/6: h(x) + x h'(x). */
export const hardSwish = pointwise((site, x) => {
  const { emit } = site;
  const gate = emit.op("Clip", [emit.op("Add", [emit.op("Div", [x, 6]), 0.5]), 0, 1]);
  return emit.op("Add", [gate, emit.op("Mul", [emit.op("Div", [x, 6]), between(site, gate, 0, 1)])]);
});

const SQRT_HALF = Math.SQRT1_2;
const SQRT_2_BY_PI = Math.sqrt(2 / Math.PI);
/** Of the approximation by tanh (Hendrycks and Gimpel, Gaussian Error Linear Units, 2016). */
const CUBIC = 0.044715;

/** x P(x): P(x) + x p(x), with P and p the normal distribution and its density. */
export const gelu = pointwise((site, x) => {
  const { emit, node } = site;
  if (stringAttribute(node, "approximate") === "tanh") return geluByTanh(site, x);
  const cumulative = emit.op("Mul", [emit.op("Add", [emit.op("Erf", [emit.op("Mul", [x, SQRT_HALF])]), 1]), 0.5]);
  const density = emit.op("Mul", [gaussian(site, x, -0.5), 1 / Math.sqrt(2 * Math.PI)]);
  return emit.op("Add", [cumulative, emit.op("Mul", [x, density])]);
});

/** x (1 + t) / 2 with t = tanh(u): (1 + t) / 2 + x (1 - t^2) u' / 2. */
function geluByTanh({ emit }: Site, x: string): string {
  const square = emit.op("Mul", [x, x]);
  const u = emit.op("Mul", [x, emit.op("Mul", [emit.op("Add", [emit.op("Mul", [square, CUBIC]), 1]), SQRT_2_BY_PI])]);
  const du = emit.op("Mul", [emit.op("Add", [emit.op("Mul", [square, 3 * CUBIC]), 1]), SQRT_2_BY_PI]);
  const t = emit.op("Tanh", [u]);
  const rise = emit.op("Mul", [emit.op("Sub", [1, emit.op("Mul", [t, t])]), du]);
  const twice = emit.op("Add", [emit.op("Add", [t, 1]), emit.op("Mul", [x, rise])]);
  return emit.op("Mul", [twice, 0.5]);
}

/** exp(factor x^2). */
function gaussian({ emit }: Site, x: string, factor: number): string {
  return emit.op("Exp", [emit.op("Mul", [emit.op("Mul", [x, x]), factor])]);
}

/** 2 / sqrt(pi) exp(-x^2). */
export const erf = pointwise((site, x) => site.emit.op("Mul", [gaussian(site, x, -1), 2 / Math.sqrt(Math.PI)]));

export const exp = pointwise((_site, _x, y) => y);
export const log: Rule = (site) => [site.emit.op("Div", [site.dy, inputOf(site, 0)])];
export const sqrt: Rule = ({ emit, dy, node }) => [emit.op("Div", [emit.op("Mul", [dy, 0.5]), node.output[0]])];
export const reciprocal = pointwise(({ emit }, _x, y) => emit.op("Neg", [emit.op("Mul", [y, y])]));
export const negate: Rule = ({ emit, dy }) => [emit.op("Neg", [dy])];
export const absolute = pointwise(({ emit }, x) => emit.op("Sign", [x]));
