/**
 * One training step as an ONNX graph. In: `x` [N, numFeatures], `y` [N, numTags], `share` = 1 / (N numTags) and `step_size`, both
 * scalars, and the variables `weight`, `bias`, `slot0_weight`, ... Out: `logits` before the step, the batch's mean `loss`, and every
 * variable as `<name>_next`.
 */
import { GraphBuilder } from "../onnx/graph.js";
import { float32, int64 } from "../onnx/tensor.js";
import { type GradientConfig, slotCount } from "./config.js";
import type { StepperShape } from "./stepper.js";

/** Names of a step's variables: the parameter, then its slots. */
export function variableNames(config: GradientConfig): { weight: string[]; bias: string[] } {
  const slots = Array.from({ length: slotCount(config) }, (_, slot) => `slot${slot}`);
  return {
    weight: ["weight", ...slots.map((slot) => `${slot}_weight`)],
    bias: ["bias", ...slots.map((slot) => `${slot}_bias`)],
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
  const { loss, delta } = weighted(f, shape, y, cellLoss(f, config, logits, y));
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
    pow: binary("Pow"),
    max: binary("Max"),
    greater: binary("Greater"),
    sqrt: unary("Sqrt"),
    neg: unary("Neg"),
    abs: unary("Abs"),
    exp: unary("Exp"),
    log: unary("Log"),
    relu: unary("Relu"),
    sigmoid: unary("Sigmoid"),
    /** `condition ? a : b` */
    where: (condition: string, a: Operand, b: Operand) => graph.node("Where", [condition, value(a), value(b)]),
    vector: (name: string, data: Float32Array) => graph.initializer(name, float32([data.length], data)),
  };
}

interface CellLoss {
  loss: string;
  /** Derivative by the logit. */
  delta: string;
}

function cellLoss(f: Formula, config: GradientConfig, z: string, y: string): CellLoss {
  const p = f.sigmoid(z);
  // log(1 + exp(-|z|)) does not overflow.
  const tail = f.log(f.add(1, f.exp(f.neg(f.abs(z)))));
  if (config.loss === "bce") {
    return { loss: f.add(f.sub(f.relu(z), f.mul(z, y)), tail), delta: f.sub(p, y) };
  }
  const present = f.greater(y, 0.5);
  const slope = f.mul(p, f.sub(1, p));
  const one = focused(f, config.gammaPositive, f.sub(1, p), f.neg(f.add(f.relu(f.neg(z)), tail)), p);
  const shifted = f.relu(f.sub(p, config.clip));
  const rest = f.max(f.sub(1, shifted), 1e-12);
  const zero = focused(f, config.gammaNegative, shifted, f.log(rest), rest);
  return {
    loss: f.where(present, one.loss, zero.loss),
    delta: f.where(present, f.neg(f.mul(one.byShifted, slope)), f.mul(zero.byShifted, slope)),
  };
}

/** `-s^gamma log q` with q = 1 - s, and its derivative by s; both 0 where s is. */
function focused(f: Formula, gamma: number, s: string, logQ: string, q: string) {
  const safe = f.max(s, 1e-12);
  const focus = f.pow(safe, gamma);
  const inner = f.mul(f.mul(f.pow(safe, gamma - 1), -gamma), logQ);
  const some = f.greater(s, 0);
  return {
    loss: f.where(some, f.neg(f.mul(focus, logQ)), 0),
    byShifted: f.where(some, f.add(inner, f.div(focus, f.max(q, 1e-12))), 0),
  };
}

function weighted(f: Formula, shape: StepperShape, y: string, { loss, delta }: CellLoss): CellLoss {
  if (shape.positiveWeight === undefined) return { loss, delta };
  const extra = f.vector(
    "positive_weight_less_1",
    shape.positiveWeight.map((weight) => weight - 1),
  );
  const weight = f.add(1, f.mul(y, extra));
  return { loss: f.mul(loss, weight), delta: f.mul(delta, weight) };
}

type Update = (f: Formula, c: GradientConfig, variables: string[], gradient: string, stepSize: string) => string[];

/** Keras 3's rules; each returns the next parameter and slots. RMSprop has epsilon inside the root, Adam outside. */
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
