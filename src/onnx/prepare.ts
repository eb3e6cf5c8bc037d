/**
 * Turns a network into a backbone: uint8 tiles in, float32 features out. The preparation of pixels (cast, transpose,
 * channel order, normalisation) becomes part of the graph. The resize and test-time augmentation can be part of it,
 * too.
 */
import { checkInteger } from "../check.js";
import { ModelError } from "../errors.js";
import { freeBatch, loopOverBatch } from "./batch.js";
import { type Appender, appender, freshName, hideInitializers, renameValue, vacateName } from "./editing.js";
import type { ResizeMode } from "./filter.js";
import { TensorProto_DataType as DataType, type GraphProto, type ValueInfoProto } from "./gen/onnx_pb.js";
import { makeNode, valueInfo } from "./graph.js";
import { decodeModel, elementTypeOf, encodeModel, type Model, opsetOf, toDataType } from "./proto.js";
import { appendResize } from "./resample.js";
import { declaredDims } from "./shapes.js";
import { checkSound } from "./soundness.js";
import { cutModel, type Tokens } from "./surgery.js";
import { type ElementType, float32, int64, type Tensor } from "./tensor.js";
import { upgradeOpset } from "./upgrade.js";
import { appendViews, averageViews } from "./views.js";

/** What must be known of a network to feed it: the part of a model card this file needs. */
export interface BackboneDescription {
  name: string;
  input: {
    name: string;
    layout: "NCHW" | "NHWC";
    channels: "RGB" | "BGR";
    /** The network sees `(pixel / scale - mean[c]) / std[c]`, with c in the network's own channel order. */
    scale: number;
    mean: readonly [number, number, number];
    std: readonly [number, number, number];
    fixedSize: number | null;
    /** The network takes one tile at a time. @default false */
    oneByOne?: boolean;
  };
  /** `output` null: found by cutAtFeatures. `levels`: maps whose means come after it, counted in `count`. */
  features: { output: string | null; count: number; tokens?: Tokens; levels?: readonly { name: string }[] };
}

export interface PrepareOptions {
  /** Takes tiles of any size and resizes them inside the graph; without it tiles come in at `size`. @default none */
  resize?: ResizeMode;
  /** Averages the features over the eight flips and quarter turns of each tile. @default false */
  allViews?: boolean;
}

/** Names of a prepared model's input and output. */
export const TILES = "tiles";
export const FEATURES = "features";
/** Name of the pixels as the network takes them, normalised. */
export const PIXELS = "canopy_pixels";

/** Element types of integers that can be 0 to 255. */
const HOLDS_BYTES: ReadonlySet<ElementType> = new Set<ElementType>(["uint8", "int32", "int64"]);

/** With larger factors or offsets, float32 no longer distinguishes neighbouring pixel values. */
const LARGEST = 1e6;

const MIN_OPSET = 7;

/**
 * The backbone of `model` (a classifier or a feature extractor, as its file came): input `tiles` uint8 `[N, size, size, 3]` RGB,
 * output `features` float32 `[N, count]`, any N, in operator set 13 or later. Throws a ModelError if the network does not fit its card or takes no such size.
 */
export function prepareBackbone(
  model: Uint8Array,
  card: BackboneDescription,
  size: number,
  options: PrepareOptions = {},
): Uint8Array {
  checkInteger("size", size, 1);
  const decoded = decodeModel(model, card.name);
  checkFit(decoded, card, size);
  upgradeOpset(decoded, card.name);
  const { output, tokens, levels = [] } = card.features;
  const features = cutModel(decoded, {
    path: card.name,
    levels: levels.map(({ name }) => name),
    ...(output === null ? {} : { output }),
    ...(tokens === undefined ? {} : { tokens }),
  });
  if (features.count !== card.features.count) {
    throw new ModelError(`${card.name} gives ${features.count} features, its card says ${card.features.count}.`);
  }
  const { graph } = decoded;
  hideInitializers(decoded);
  const input = onlyInput(graph, card);
  checkSound(decoded, card.name, card.input.oneByOne ?? false);
  const batch = declaredDims(input)?.[0];
  if (batch !== undefined && batch !== 1) {
    throw new ModelError(`${card.name} takes batches of ${batch} only; export it with a free batch dimension.`);
  }
  if (card.input.oneByOne) {
    const tile = card.input.layout === "NCHW" ? [1, 3, size, size] : [1, size, size, 3];
    features.output = loopOverBatch(graph, input, tile, features);
  } else if (batch === 1) {
    freeBatch(graph, input.name);
  }
  graph.valueInfo = [];
  if (options.allViews) {
    const append = appender(graph);
    features.output = averageViews(append, features);
    graph.node.push(...append.nodes);
  }
  graph.output = [valueInfo(features.output, "float32", ["N", features.count])];
  renameValue(graph, features.output, FEATURES);
  putPixelsInFront(graph, input, card, size, options);
  return encodeModel(decoded);
}

/** Whether the network in `bytes` declares batches of one. */
export function takesOneTile(bytes: Uint8Array, { name, input }: BackboneDescription): boolean {
  const declared = decodeModel(bytes, name).graph.input.find((each) => each.name === input.name);
  return declaredDims(declared)?.[0] === 1;
}

function checkFit(model: Model, card: BackboneDescription, size: number): void {
  const { fixedSize } = card.input;
  if (fixedSize !== null && fixedSize !== size) {
    throw new ModelError(`${card.name} takes tiles of ${fixedSize} pixels only, not ${size}.`);
  }
  if (opsetOf(model) < MIN_OPSET) {
    throw new ModelError(
      `${card.name} uses ONNX operator set ${opsetOf(model)}; canopy needs ${MIN_OPSET} or later: convert or export it again.`,
    );
  }
}

/** The image input, which must be the only input after the cut. */
function onlyInput(graph: GraphProto, card: BackboneDescription): ValueInfoProto {
  const input = graph.input.find((each) => each.name === card.input.name);
  if (input === undefined || graph.input.length > 1) {
    const names = graph.input.map((each) => `"${each.name}"`).join(", ");
    throw new ModelError(
      `${card.name} should have one input, "${card.input.name}" according to its card; its features depend on ${names || "none"}.`,
    );
  }
  return input;
}

/** Replaces the image input by `tiles`, and puts the nodes between the two in front of the graph. */
function putPixelsInFront(
  graph: GraphProto,
  input: ValueInfoProto,
  card: BackboneDescription,
  size: number,
  options: PrepareOptions,
): void {
  const wanted = freshName(graph, PIXELS);
  renameValue(graph, input.name, wanted);
  vacateName(graph, TILES);
  const append = appender(graph);
  const type = elementTypeOf(input);
  const wantsBytes = type === "uint8";
  checkPixelType(type, card);
  const values =
    options.resize === undefined
      ? ownPixels(append, card, wantsBytes)
      : resizedPixels(append, card, size, options.resize, wantsBytes);
  const views = options.allViews ? appendViews(append, values, card.input.layout) : values;
  const ordered = orderChannels(append, views, card);
  const normal = wantsBytes ? ordered : normalise(append, ordered, card);
  const isReady = wantsBytes || type === "float32";
  const last = isReady
    ? makeNode("Identity", [normal], [wanted])
    : makeNode("Cast", [normal], [wanted], { to: toDataType(type) });
  graph.node.unshift(...append.nodes, last);
  graph.input = [valueInfo(TILES, "uint8", options.resize === undefined ? ["N", size, size, 3] : ["N", "H", "W", 3])];
}

/** Integer inputs take pixels as they are, and nothing else. */
function checkPixelType(type: ElementType, { name, input: { scale, mean, std } }: BackboneDescription): void {
  if (type.startsWith("float")) return;
  const isRaw = scale === 1 && mean.every((each) => each === 0) && std.every((each) => each === 1);
  if (!isRaw && HOLDS_BYTES.has(type)) {
    throw new ModelError(`${name} takes pixels as ${type}, 0 to 255, and nothing else: its normalisation is raw.`);
  }
  if (!HOLDS_BYTES.has(type)) throw new ModelError(`${name} takes its input as ${type}, which cannot hold pixels.`);
}

/** Pixels in the network's layout, 0..255. They are transposed as bytes, which moves a quarter of the memory. */
function ownPixels(append: Appender, card: BackboneDescription, wantsBytes: boolean): string {
  const pixels = card.input.layout === "NCHW" ? append.node("Transpose", [TILES], { perm: [0, 3, 1, 2] }) : TILES;
  return wantsBytes ? pixels : append.node("Cast", [pixels], { to: DataType.FLOAT });
}

function resizedPixels(
  append: Appender,
  card: BackboneDescription,
  size: number,
  mode: ResizeMode,
  wantsBytes: boolean,
): string {
  const resized = appendResize(append, TILES, size, mode);
  const pixels = wantsBytes ? append.node("Cast", [resized], { to: DataType.UINT8 }) : resized;
  return card.input.layout === "NCHW" ? pixels : append.node("Transpose", [pixels], { perm: [0, 2, 3, 1] });
}

function orderChannels(append: Appender, pixels: string, { input: { channels, layout } }: BackboneDescription): string {
  if (channels === "RGB") return pixels;
  const order = append.constant("bgr", int64([3], [2, 1, 0]));
  return append.node("Gather", [pixels, order], { axis: layout === "NCHW" ? 1 : 3 });
}

/** `(pixel / scale - mean) / std` as one Mul and one Add, each left out if it changes nothing. */
function normalise(append: Appender, pixels: string, card: BackboneDescription): string {
  const { layout, scale, mean, std } = card.input;
  const factors = std.map((each) => 1 / (scale * each));
  const offsets = mean.map((each, channel) => -each / (std[channel] as number));
  if (![...factors, ...offsets].every((each) => Math.abs(each) <= LARGEST)) {
    throw new ModelError(
      `The card of ${card.name} makes no numbers of pixels: scale ${scale}, mean ${mean}, std ${std}.`,
    );
  }
  let value = pixels;
  if (factors.some((each) => each !== 1)) {
    value = append.node("Mul", [value, append.constant("factor", perChannel(factors, layout))]);
  }
  if (offsets.some((each) => each !== 0)) {
    value = append.node("Add", [value, append.constant("offset", perChannel(offsets, layout))]);
  }
  return value;
}

/** A scalar if the channels agree: ONNX Runtime's broadcast over a last axis of 3 is slow. */
function perChannel(values: readonly number[], layout: "NCHW" | "NHWC"): Tensor {
  if (values.every((each) => each === values[0])) return float32([], values.slice(0, 1));
  return float32(layout === "NCHW" ? [3, 1, 1] : [3], values);
}
