/**
 * Cuts a classifier off at its pooled features. In: any image classifier or feature extractor in ONNX. Out: the same
 * network, with one output `[N, count]` and without the nodes and weights that it no longer needs.
 */
import { ModelError } from "../errors.js";
import { channelAxis, hasClassToken } from "./channels.js";
import { type Classifier, featureOutput, findClassifier, mayBeProjection, mayBeScores, POOLS } from "./classifier.js";
import { type Appender, appender, type GraphIndex, indexGraph, pruneGraph } from "./editing.js";
import { TensorProto_DataType as DataType } from "./gen/onnx_pb.js";
import { valueInfo } from "./graph.js";
import { linearLayer } from "./linear.js";
import { decodeModel, encodeModel, type Model } from "./proto.js";
import { quantisationOf } from "./quantised.js";
import { type Dims, inferDims } from "./shapes.js";
import { int64 } from "./tensor.js";

/** Of tokens `[N, T, C]`: the first, into which the network was trained to put everything, or the mean of all. */
export type Tokens = "class" | "mean";

/** Where the features are: the output's name and their number per tile. */
export interface Features {
  output: string;
  count: number;
}

/** What was cut: enough to do the same again, and to report it. */
export interface Cut extends Features {
  /** The network's own value the features are made of; undefined if several heads read different values, whose mean is taken. */
  place: string | undefined;
  /** How tokens became features; undefined if there are none. */
  tokens: Tokens | undefined;
  /** What canopy decided by itself, in sentences. */
  notes: string[];
}

interface CutOptions {
  /** The value to cut at: `[N, F]`, a map, which gets a global average pool, or tokens. @default found by canopy */
  output?: string;
  /** @default "class" if the network puts a token of its own first, else "mean" */
  tokens?: Tokens;
  /** Values `[N, C, H, W]` whose means over height and width come after the features; see findLevels. @default [] */
  levels?: readonly string[];
  /** What to call the model in messages. @default "The model" */
  path?: string;
}

/** It is not clear which value of a network its features are. */
export class NoFeaturesError extends ModelError {
  constructor(
    readonly path: string,
    readonly reason: string,
    /** Values that may serve as `output`. */
    readonly candidates: readonly string[],
  ) {
    const list = candidates.map((each) => `"${each}"`).join(", ");
    const advice =
      candidates.length === 0 ? "and none of its values can serve" : `name them as \`output\` of an import: ${list}`;
    super(`${path} ${reason}; ${advice}.`);
  }
}

const OTHER_FLOATS: ReadonlySet<number> = new Set([DataType.FLOAT16, DataType.BFLOAT16, DataType.DOUBLE]);
const MAX_CANDIDATES = 8;

/**
 * Cuts `bytes` at its features. Without `output`: at the input of the classifier's last linear layers (Add, Softmax,
 * Reshape, ... may follow these). A model that already ends in features stays as it is. Throws a ModelError that names
 * values `output` takes if no place is found.
 */
export function cutAtFeatures(bytes: Uint8Array, options: CutOptions = {}): { model: Uint8Array; features: Cut } {
  const model = decodeModel(bytes, options.path ?? "The model");
  const features = cutModel(model, options);
  return { model: encodeModel(model), features };
}

/** Far more features than any network has. */
const MOST_FEATURES = 2 ** 24;

function checkCount(count: number, path = "The model"): void {
  if (Number.isInteger(count) && count >= 1 && count <= MOST_FEATURES) return;
  throw new ModelError(`${path} declares ${count} features: the file is damaged.`);
}

/** The same on a decoded model, in place. */
export function cutModel(model: Model, options: CutOptions = {}): Cut {
  const path = options.path ?? "The model";
  const { graph } = model;
  const index = indexGraph(graph);
  const classifier = options.output === undefined ? findClassifier(index) : undefined;
  const places =
    options.output === undefined ? findPlaces(index, classifier, path) : [placeAt(index, options.output, path)];
  const levels = (options.levels ?? []).map((name) => levelAt(index, name, path));
  const tokens = places.some(({ dims }) => dims.length === 3)
    ? (options.tokens ?? (hasClassToken(index) ? "class" : "mean"))
    : undefined;
  const append = appender(graph);
  const parts = places.map((place) => appendFeatures(append, index, place, tokens));
  const [first] = places;
  const mean = parts.length === 1 ? (parts[0] ?? "") : append.node("Mean", parts);
  const means = levels.map((level) => appendFeatures(append, index, level, undefined));
  const output = means.length === 0 ? mean : append.node("Concat", [mean, ...means], { axis: 1 });
  const count = levels.reduce((sum, level) => sum + level.count, first.count);
  checkCount(count, options.path);
  const isHead = classifier !== undefined && first.name === classifier.inputs[0];
  const notes = [...(isHead ? notesOnClassifier(index, classifier) : []), ...notesOn(index, places, tokens, options)];
  graph.node.push(...append.nodes);
  graph.output = [valueInfo(output, "float32", ["N", count])];
  pruneGraph(graph);
  return { output, count, place: places.length === 1 ? first.name : undefined, tokens, notes };
}

/** A value features can be made of. */
interface Place {
  name: string;
  dims: Dims;
  /** The axis that counts features, and how many there are. */
  axis: number;
  count: number;
  /** Nothing in the graph says which axis it is; the usual one is taken. */
  isGuess: boolean;
}

/** The place called `name`, or why it cannot be one. */
function tryPlace(index: GraphIndex, name: string): Place | string {
  const { graph, producers } = index;
  const isInput = graph.input.some((each) => each.name === name);
  if (index.isConstant(name) || !(producers.has(name) || isInput)) return `has no value called "${name}"`;
  const read = dimsFromReader(index, name);
  const dims = inferDims(index, name) ?? read;
  // Of `[N, C, 1]` and `[N, 1, C]` the axis of more than one.
  const usual = dims.length === 3 && dims[2] !== 1 ? 2 : 1;
  const known = dims.length === 2 ? 1 : channelAxis(index, name);
  const axis = known ?? usual;
  const count = dims[axis] ?? read[axis];
  if (dims.length >= 2 && dims.length <= 4 && axis > 0 && count !== undefined && !isInput) {
    return { name, dims, axis, count, isGuess: known === undefined };
  }
  const shape = dims.map((size) => size ?? "?").join(", ");
  return `cannot be cut at "${name}" [${shape}]: features are [N, F], a map [N, C, H, W] or tokens [N, T, C] with a fixed F or C`;
}

function placeAt(index: GraphIndex, name: string, path: string): Place {
  const place = tryPlace(index, name);
  if (typeof place === "string") throw new NoFeaturesError(path, place, candidates(index));
  return place;
}

function findPlaces(index: GraphIndex, classifier: Classifier | undefined, path: string): [Place, ...Place[]] {
  const heads = placesOf(index, classifier?.inputs ?? []);
  if (heads !== undefined) return heads;
  const output = featureOutput(index);
  const found = placesOf(index, output === undefined ? [] : [output]);
  if (found === undefined) {
    throw new NoFeaturesError(path, "has no place canopy knows as its features", candidates(index));
  }
  return found;
}

/**
 * The places called `names`, if all of them can be, and several are vectors of one width: otherwise layers that are
 * added are no heads.
 */
function placesOf(index: GraphIndex, names: readonly string[]): [Place, ...Place[]] | undefined {
  const places = names.map((name) => tryPlace(index, name)).filter((each) => typeof each !== "string");
  const [first, ...rest] = places;
  const agree = rest.every(({ dims, count }) => dims.length === 2 && count === first?.count);
  return first !== undefined && places.length === names.length && agree ? [first, ...rest] : undefined;
}

function levelAt(index: GraphIndex, name: string, path: string): Place {
  const dims = inferDims(index, name) ?? [];
  const count = dims[1];
  if (dims.length === 4 && count !== undefined) return { name, dims, axis: 1, count, isGuess: false };
  throw new ModelError(`${path} has no feature map called "${name}", which its card names as a level.`);
}

/** The number of features by the linear layer that reads `name`, if its own shape is not known. */
function dimsFromReader(index: GraphIndex, name: string): Dims {
  for (const node of index.graph.node) {
    const linear = node.input.includes(name) ? linearLayer(index, node) : undefined;
    if (linear?.data !== name) continue;
    return linear.isConv ? [undefined, linear.inputs, undefined, undefined] : [undefined, linear.inputs];
  }
  return [];
}

/** `[N, count]` float32 of one place. */
function appendFeatures(append: Appender, index: GraphIndex, place: Place, tokens: Tokens | undefined): string {
  const { name, dims, axis } = place;
  const value = appendFloats(append, index, name);
  if (dims.length === 2) return value;
  if (dims.length === 3 && tokens === "class") {
    const first = append.constant("first_token", int64([], [0]));
    return append.node("Gather", [value, first], { axis: axis === 2 ? 1 : 2 });
  }
  const isOne = dims.every((size, i) => i === 0 || i === axis || size === 1);
  const perm = [0, axis, ...dims.keys()].filter((each, i) => i < 2 || (each !== 0 && each !== axis));
  const second = axis === 1 ? value : append.node("Transpose", [value], { perm });
  return append.node("Flatten", [isOne ? second : append.node("GlobalAveragePool", [second])], { axis: 1 });
}

/** `name` as float32, whatever type the network computes in. */
function appendFloats(append: Appender, index: GraphIndex, name: string): string {
  const quantisation = quantisationOf(index, name);
  if (quantisation !== undefined) {
    return append.node("DequantizeLinear", [name, quantisation.scale, quantisation.zeroPoint]);
  }
  const { node, input, output, initializer } = append.graph;
  const constants = node.flatMap((each) => each.attribute.map(({ t }) => t?.dataType));
  const declared = [...input, ...output].map((each) => each.type?.tensorType?.elemType);
  const types = [...initializer.map((each) => each.dataType), ...constants, ...declared];
  // ONNX Runtime removes casts that change nothing.
  const isOther = types.some((type) => type !== undefined && OTHER_FLOATS.has(type));
  return isOther ? append.node("Cast", [name], { to: DataType.FLOAT }) : name;
}

function notesOnClassifier(index: GraphIndex, { output, others }: Classifier): string[] {
  const isOther = others.length > 0;
  return [
    ...(isOther
      ? [
          `Of its classifiers that of "${output}" counts, the last; the others are ${others.map((each) => `"${each}"`).join(", ")}.`,
        ]
      : []),
    ...(mayBeProjection(index, output)
      ? [
          `The features are what the layer of "${output}" reads. If that is a projection and no classifier (CLIP), name "${output}" as \`output\`.`,
        ]
      : []),
  ];
}

function notesOn(
  index: GraphIndex,
  places: readonly Place[],
  tokens: Tokens | undefined,
  options: CutOptions,
): string[] {
  const notes: string[] = [];
  const [{ name, dims, axis, isGuess }] = places as [Place, ...Place[]];
  const others = index.graph.output.filter((each) => each.name !== name).map((each) => each.name);
  const isOutput = others.length < index.graph.output.length;
  if (options.output === undefined && isOutput && others.length > 0) {
    notes.push(`Of its outputs "${name}" is taken; the others are ${others.map((each) => `"${each}"`).join(", ")}.`);
  }
  if (tokens !== undefined && options.tokens === undefined) {
    const what = tokens === "class" ? "its class token, the first" : "the mean of its tokens";
    notes.push(`The features are ${what}; \`tokens\` (class or mean) says it.`);
  }
  if (options.output === undefined && isOutput && mayBeScores(index, name)) {
    const inner = candidates(index).filter((each) => each !== name);
    notes.push(
      `"${name}" is taken for features. If it holds class scores, name another value as \`output\`` +
        `${inner.length === 0 ? "" : `: ${inner.map((each) => `"${each}"`).join(", ")}`}.`,
    );
  }
  if (isGuess)
    notes.push(`Axis ${axis} of "${name}" [${dims.map((size) => size ?? "?").join(", ")}] is taken to count features.`);
  return notes;
}

/** Values that may be named as `output`, those nearest to the end first. */
function candidates(index: GraphIndex): string[] {
  const { node, output } = index.graph;
  const inner = node.flatMap((each) => {
    if (POOLS.has(each.opType) || /^(Flatten|LayerNormalization)$/.test(each.opType)) return each.output.slice(0, 1);
    const linear = linearLayer(index, each);
    return linear === undefined || linear.isConv ? [] : [linear.data];
  });
  const names = [...inner.reverse(), ...output.map(({ name }) => name)];
  return [...new Set(names)].filter((name) => typeof tryPlace(index, name) !== "string").slice(0, MAX_CANDIDATES);
}
