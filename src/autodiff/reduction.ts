/** Sums and means over axes. */
import { intAttribute, intsAttribute } from "../onnx/editing.js";
import { constantInput, dimsOf, fromFront, inputOf, type Rule, type Site, sizeOf } from "./rule.js";

/** Every value that went into a sum gets the gradient of the sum. */
export const reduceSum: Rule = (site) => [repeated(site, site.dy)];

export const reduceMean: Rule = (site) => {
  const count = axesOf(site).reduce((product, axis) => product * sizeOf(site, inputOf(site, 0), axis), 1);
  return [repeated(site, site.emit.op("Div", [site.dy, count]))];
};

/** d sqrt(sum x^2) = x / y; 0 where all x are 0. */
export const reduceL2: Rule = (site) => {
  const { emit, dy, node } = site;
  const y = node.output[0];
  const divisor = emit.op("Add", [y, emit.indicator(emit.op("Equal", [y, 0]))]);
  const share = repeated(site, emit.op("Div", [dy, divisor]));
  return [emit.op("Mul", [inputOf(site, 0), share])];
};

/** The largest gets the gradient; of equal ones each an equal share. */
export const reduceMax: Rule = (site) => {
  const { emit, dy, node } = site;
  const x = inputOf(site, 0);
  const chosen = emit.indicator(emit.op("Equal", [x, repeated(site, node.output[0])]));
  const share = emit.op("Div", [kept(site, dy), emit.sum(chosen, axesOf(site))]);
  return [emit.op("Mul", [chosen, share])];
};

/** `value`, which has the shape of the result, in that of the input. */
function repeated(site: Site, value: string): string {
  return site.emit.expandLike(kept(site, value), inputOf(site, 0));
}

/** `value`, which has the shape of the result, with the axes that were summed, as ones. */
function kept(site: Site, value: string): string {
  if (intAttribute(site.node, "keepdims", 1)) return value;
  return site.emit.op("Unsqueeze", [value, site.emit.ints(axesOf(site))]);
}

/** The summed axes, from the attribute (older operator sets) or the second input; all if none is given. */
function axesOf(site: Site): number[] {
  const { node } = site;
  const rank = dimsOf(site, inputOf(site, 0)).length;
  const axes = intsAttribute(node, "axes") ?? constantInput(site, 1);
  if (axes === undefined || axes.length === 0) {
    return intAttribute(node, "noop_with_empty_axes", 0) ? [] : Array.from({ length: rank }, (_, axis) => axis);
  }
  return axes.map((axis) => fromFront(axis, rank)).sort((a, b) => a - b);
}
