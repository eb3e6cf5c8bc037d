/** Finds the features of a network: the input of its classifier, or the outputs of a network without one. */
import { constantTensor, type GraphIndex } from "./editing.js";
import { TensorProto_DataType as DataType, type NodeProto } from "./gen/onnx_pb.js";
import { type Linear, linearLayer } from "./linear.js";
import { beforeRounding, dataInputs } from "./quantised.js";
import { inferDims } from "./shapes.js";
import { mapStrides } from "./strides.js";

const names = (text: string): ReadonlySet<string> => new Set(text.split(" "));

/** Operators between a classifier's linear layer and the output that change neither which layer it is nor the order of values. */
const RESHAPING = names(
  "Reshape Flatten Squeeze Unsqueeze Identity Cast Dropout Transpose QuantizeLinear DequantizeLinear",
);
const PROBABILITIES = names("Softmax LogSoftmax Sigmoid HardSigmoid QLinearSoftmax QLinearSigmoid");
/** Steps on the scores of a tile: some are chosen, or softmax or sigmoid is written out. */
const ON_SCORES = names("Gather Slice Split Exp Neg Reciprocal ReduceSum ReduceMax Round");
export const POOLS = names(
  "GlobalAveragePool GlobalMaxPool AveragePool ReduceMean ReduceMax QLinearGlobalAveragePool QLinearAveragePool QLinearReduceMean",
);
const ACTIVATIONS = names("Relu Clip LeakyRelu");
/** Several heads may be averaged, or stand side by side. */
const JOINING = names("Add Sub Mul Div Sum Mean Concat QLinearAdd QLinearMul QLinearConcat");
/** Further operators that may follow the last features of a network without a classifier. */
const ENDINGS = names(
  "BatchNormalization LayerNormalization RMSNormalization LpNormalization ReduceL2 ReduceSum Gather Slice Split Tanh Gelu Erf Elu Selu " +
    "HardSwish HardSigmoid Softplus PRelu Pow Sqrt Max Min Where Expand DynamicQuantizeLinear Abs Exp Neg",
);
const FLOATS: ReadonlySet<number> = new Set([DataType.FLOAT, DataType.FLOAT16, DataType.DOUBLE, DataType.BFLOAT16]);
/** Widths of ImageNet classifiers, with and without the background class. */
const IMAGENET_WIDTHS = new Set([1000, 1001]);

/** Where a network's classifier reads its features. */
export interface Classifier {
  /** The output that its scores are. */
  output: string;
  /** The inputs of its linear layers: one value, or one for each of several averaged heads. */
  inputs: string[];
  /** Outputs of other classifiers, which read other values. */
  others: string[];
}

/**
 * The classifier of a network; undefined without one. Of several the last one counts: those before it helped in training
 * (Inception).
 */
export function findClassifier(index: GraphIndex): Classifier | undefined {
  const found = index.graph.output.flatMap(({ name }) => {
    const inputs = walkBack(index, name, { pool: false, flat: false, probabilities: false }, new Map());
    return inputs === undefined ? [] : [{ output: name, inputs: [...new Set(inputs)] }];
  });
  const [first, ...rest] = found;
  if (first === undefined) return undefined;
  const places = new Map(
    index.graph.node.flatMap(({ output }, i) => output.map((name): [string, number] => [name, i])),
  );
  const last = ({ inputs }: { inputs: string[] }) => Math.max(...inputs.map((name) => places.get(name) ?? -1));
  const best = rest.reduce((best, each) => (last(each) > last(best) ? each : best), first);
  const others = found.filter(({ inputs }) => inputs.join("\n") !== best.inputs.join("\n"));
  return { ...best, others: others.map(({ output }) => output) };
}

/** Whether `output` comes from a linear layer as it is, without a bias or a softmax: it may be a projection (CLIP). */
export function mayBeProjection(index: GraphIndex, output: string): boolean {
  const node = index.producers.get(output);
  if (node?.opType === "Identity") return mayBeProjection(index, node.input[0] ?? "");
  const linear = node && linearLayer(index, node);
  if (node === undefined || linear === undefined || IMAGENET_WIDTHS.has(linear.outputs ?? 0)) return false;
  return node.opType === "MatMul" || (node.opType === "Gemm" && (node.input[2] ?? "") === "");
}

/** The operators between the output and the node being looked at. */
interface Passed {
  pool: boolean;
  flat: boolean;
  probabilities: boolean;
}

/** The inputs of the linear layers that make `name`; undefined if something else makes a part of it. */
function walkBack(
  index: GraphIndex,
  name: string,
  passed: Passed,
  seen: Map<string, string[] | undefined>,
): string[] | undefined {
  const key = `${name} ${passed.pool} ${passed.flat} ${passed.probabilities}`;
  if (seen.has(key)) return seen.get(key);
  seen.set(key, undefined);
  const node = index.producers.get(name);
  const linear = node && linearLayer(index, node);
  const found = node && (linear === undefined ? walkThrough(index, node, passed, seen) : readBy(index, linear, passed));
  seen.set(key, found);
  return found;
}

function readBy(index: GraphIndex, linear: Linear, passed: Passed): string[] | undefined {
  return isClassifier(index, linear, passed) ? [beforeRounding(index, linear.data)] : undefined;
}

function walkThrough(
  index: GraphIndex,
  node: NodeProto,
  passed: Passed,
  seen: Map<string, string[] | undefined>,
): string[] | undefined {
  const { opType } = node;
  const inputs = dataInputs(index, node);
  const onScores = isOnScores(index, node, inputs);
  const isPool = POOLS.has(opType) && !onScores && !isStack(index, inputs[0] ?? "");
  const passes = RESHAPING.has(opType) || PROBABILITIES.has(opType) || POOLS.has(opType) || JOINING.has(opType);
  if (inputs.length === 0 || isGate(index, node)) return undefined;
  if (!(passes || onScores || (passed.pool && ACTIVATIONS.has(opType)))) return undefined;
  const now = {
    pool: passed.pool || isPool,
    flat: passed.flat || RESHAPING.has(opType),
    probabilities: passed.probabilities || PROBABILITIES.has(opType),
  };
  const found = inputs.map((each) => walkBack(index, each, now, seen));
  return found.every((each) => each !== undefined) ? [...new Set(found.flat())] : undefined;
}

/** Whether `node` works on vectors as one works on scores: their maximum is no pool. */
function isOnScores(index: GraphIndex, node: NodeProto, inputs: readonly string[]): boolean {
  if (inferDims(index, inputs[0] ?? "")?.length !== 2) return false;
  return ON_SCORES.has(node.opType) || (node.opType === "Clip" && isUnitRange(index, node));
}

function isUnitRange(index: GraphIndex, { input }: NodeProto): boolean {
  const [low, high] = input.slice(1).map((name) => constantTensor(index, name)?.data[0]);
  return Number(low) === 0 && Number(high) === 1;
}

/** An activation written out (SiLU, HardSwish): a value times its own sigmoid. */
function isGate(index: GraphIndex, { opType, input }: NodeProto): boolean {
  if (opType !== "Mul") return false;
  return input.some((name, i) => {
    const gate = index.producers.get(name);
    return /^(Hard)?Sigmoid$/.test(gate?.opType ?? "") && gate?.input[0] === input[1 - i];
  });
}

/** Values of equal shape stacked along a new axis: their mean is no pool. */
function isStack(index: GraphIndex, name: string): boolean {
  const node = index.producers.get(name);
  return node?.opType === "Concat" && node.input.every((each) => index.producers.get(each)?.opType === "Unsqueeze");
}

/**
 * A linear layer before the last pool is a classifier only if there certainly are classes (SqueezeNet: 1x1 Conv, pool,
 * Softmax). Otherwise it is the last layer of a feature extractor. A 1x1 Conv without a pool after it must have one
 * before it.
 */
function isClassifier(index: GraphIndex, { data, outputs = 0, isConv }: Linear, passed: Passed): boolean {
  if (passed.pool) return passed.probabilities || IMAGENET_WIDTHS.has(outputs);
  if (!isConv) return true;
  const dims = inferDims(index, data);
  return passed.flat || (dims?.[2] === 1 && dims[3] === 1);
}

/** The output to take of a network without a classifier: a vector before a map, of several maps the coarsest. */
export function featureOutput(index: GraphIndex): string | undefined {
  const outputs = index.graph.output.filter(({ type }) => FLOATS.has(type?.tensorType?.elemType ?? DataType.FLOAT));
  const ofRank = (ranks: readonly number[]) =>
    outputs.map(({ name }) => name).filter((name) => ranks.includes(inferDims(index, name)?.length ?? 0));
  const vector = ofRank([2]).find((name) => isFeatures(index, name, new Set()));
  if (vector !== undefined) return vector;
  // Scores without a known classifier: other outputs are no safer choice.
  if (ofRank([2]).length > 0) return undefined;
  const strides = mapStrides(index);
  const maps = ofRank([3, 4]);
  return maps.reduce<string | undefined>(
    (best, name) => (best !== undefined && (strides.get(name) ?? 0) < (strides.get(best) ?? 0) ? best : name),
    undefined,
  );
}

/**
 * Whether known steps lead from a pool, a token or a layer with an activation to the vectors `name`: scores are not
 * made like this.
 */
function isFeatures(index: GraphIndex, name: string, seen: Set<string>): boolean {
  const node = index.producers.get(name);
  if (node === undefined || seen.has(name)) return false;
  seen.add(name);
  const { opType } = node;
  if (PROBABILITIES.has(opType)) return false;
  if (POOLS.has(opType)) return true;
  const inputs = dataInputs(index, node);
  if (isPointConv(index, node)) return false;
  const isKnown = RESHAPING.has(opType) || JOINING.has(opType) || ACTIVATIONS.has(opType) || ENDINGS.has(opType);
  if (!isKnown) return false;
  const isEnding = ENDINGS.has(opType) || ACTIVATIONS.has(opType) || isGate(index, node);
  const test = (each: string) => {
    const rank = inferDims(index, each)?.length ?? 0;
    const producer = index.producers.get(each);
    if (
      (rank > 2 && !isPointConv(index, producer)) ||
      (isEnding && producer !== undefined && linearLayer(index, producer) !== undefined)
    )
      return true;
    return isFeatures(index, each, seen);
  };
  return opType === "Concat" ? inputs.every(test) : inputs.some(test);
}

/** A convolution of what a pool has made of a picture: one more layer, not a map. */
function isPointConv(index: GraphIndex, node: NodeProto | undefined): boolean {
  if (node?.opType !== "Conv") return false;
  const dims = inferDims(index, node.input[0] ?? "");
  return dims?.[2] === 1 && dims[3] === 1;
}

/** Whether vectors taken for features may be scores: nothing that tells is between them and a linear layer. */
export function mayBeScores(index: GraphIndex, name: string): boolean {
  const node = index.producers.get(name);
  if (node === undefined || inferDims(index, name)?.length !== 2) return false;
  if (linearLayer(index, node) !== undefined) return true;
  const isStep = ENDINGS.has(node.opType) || JOINING.has(node.opType) || RESHAPING.has(node.opType);
  return isStep && dataInputs(index, node).some((each) => mayBeScores(index, each));
}
