/**
 * One training step as an ONNX graph. In: `x` [N, numFeatures], `y` [N, numTags], `share` = 1 / (N numTags) and `step_size`, both
 * scalars, and the variables `weight`, `bias`, `moment0_weight`, ... Out: `logits` before the step, the batch's mean `loss`, and every
 * variable as `<name>_next`.
 */
import { GraphBuilder } from "../onnx/graph.js";
import { float32, int64 } from "../onnx/tensor.js";
import { type GradientConfig, momentCount } from "./config.js";
import type { StepperShape } from "./stepper.js";

/** Names of a step's variables: the parameter, then its moments. */
export function variableNames(config: GradientConfig): { weight: string[]; bias: string[] } {
  const moments = Array.from({ length: momentCount(config) }, (_, i) => `moment${i}`);
  return {
    weight: ["weight", ...moments.map((moment) => `${moment}_weight`)],
    bias: ["bias", ...moments.map((moment) => `${moment}_bias`)],
  };
}

/** The bytes of the ONNX model. */
export function buildStepGraph(config: GradientConfig, shape: StepperShape): Uint8Array {
  const graph = new GraphBuilder("head_step");
  const f = formula(graph);
  const { numFeatures, numTags } = shape;
  const x = graph.input("x", "float32", ["N", numFeatures]);
  const y = graph.input("y", "float32", ["N", numTags]);
  const share = graph.input("share", "float32", []);
  const stepSize = graph.input("step_size", "float32", []);
  const names = variableNames(config);
  const weights = names.weight.map((name) => graph.input(name, "float32", [numFeatures, numTags]));
  const biases = names.bias.map((name) => graph.input(name, "float32", [numTags]));

  const logits = graph.node("Gemm", [x, weights[0], biases[0]]);
  const { loss, delta } = crossEntropy(f, logits, y);
  const gradient = f.mul(delta, share);
  const weightGradient = graph.node("Gemm", [x, gradient], { transA: 1 });
  const rows = graph.initializer("rows", int64([1], [0]));
  const biasGradient = graph.node("ReduceSum", [gradient, rows], { keepdims: 0 });

  graph.output("logits", logits, "float32", ["N", numTags]);
  graph.output("loss", graph.node("ReduceMean", [loss], { keepdims: 0 }), "float32", []);
  const update = UPDATES[config.optimizer];
  const emit = (variables: string[], next: string[], dims: number[]) =>
    variables.map((name, i) => graph.output(`${name}_next`, next[i], "float32", dims));
  emit(names.weight, update(f, config, weights, weightGradient, stepSize), [numFeatures, numTags]);
  emit(names.bias, update(f, config, biases, biasGradient, stepSize), [numTags]);
  return graph.build();
}

type Formula = ReturnType<typeof formula>;

/** Operators as functions of names and numbers, so that the graph reads like its formula. */
function formula(graph: GraphBuilder) {
  const constants = new Map<number, string>();
  const value = (operand: string | number) => {
    if (typeof operand === "string") return operand;
    const known = constants.get(operand) ?? graph.initializer(`constant${constants.size}`, float32([], [operand]));
    constants.set(operand, known);
    return known;
  };
  type Operand = string | number;
  const binary = (op: string) => (a: Operand, b: Operand) => graph.node(op, [value(a), value(b)]);
  const unary = (op: string) => (a: Operand) => graph.node(op, [value(a)]);
  return {
    add: binary("Add"),
    sub: binary("Sub"),
    mul: binary("Mul"),
    div: binary("Div"),
    sqrt: unary("Sqrt"),
    neg: unary("Neg"),
    abs: unary("Abs"),
    exp: unary("Exp"),
    log: unary("Log"),
    relu: unary("Relu"),
    sigmoid: unary("Sigmoid"),
  };
}

/** Cross-entropy by cell, and its derivative by the logit. */
function crossEntropy(f: Formula, z: string, y: string): { loss: string; delta: string } {
  // log(1 + exp(-|z|)) does not overflow.
  const tail = f.log(f.add(1, f.exp(f.neg(f.abs(z)))));
  return { loss: f.add(f.sub(f.relu(z), f.mul(z, y)), tail), delta: f.sub(f.sigmoid(z), y) };
}

type Update = (f: Formula, c: GradientConfig, variables: string[], gradient: string, stepSize: string) => string[];

/** Keras 3's rules; each returns the next parameter and moments. RMSprop has epsilon inside the root, Adam outside. */
const UPDATES: Record<GradientConfig["optimizer"], Update> = {
  rmsprop(f, c, [parameter, meanSquare, momentum], gradient, stepSize) {
    const next = f.add(f.mul(meanSquare, c.rho), f.mul(f.mul(gradient, gradient), 1 - c.rho));
    const step = f.div(f.mul(gradient, stepSize), f.sqrt(f.add(next, c.epsilon)));
    if (momentum === undefined) return [f.sub(parameter, step), next];
    const moved = f.add(f.mul(momentum, c.momentum), step);
    return [f.sub(parameter, moved), next, moved];
  },
  adam(f, c, [parameter, first, second], gradient, stepSize) {
    const m = f.add(first, f.mul(f.sub(gradient, first), 1 - c.beta1));
    const v = f.add(second, f.mul(f.sub(f.mul(gradient, gradient), second), 1 - c.beta2));
    return [f.sub(parameter, f.div(f.mul(m, stepSize), f.add(f.sqrt(v), c.epsilon))), m, v];
  },
  sgd(f, c, [parameter, velocity], gradient, stepSize) {
    const step = f.neg(f.mul(gradient, stepSize));
    if (velocity === undefined) return [f.add(parameter, step)];
    const moved = f.add(f.mul(velocity, c.momentum), step);
    const used = c.nesterov ? f.add(f.mul(moved, c.momentum), step) : moved;
    return [f.add(parameter, used), moved];
  },
};
