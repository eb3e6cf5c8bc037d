/**
 * Making a backbone of a network: uint8 tiles in, float32 features out. The pixels' way to what the network wants (cast, transpose,
 * channel order, normalisation) becomes part of the graph, and so may the resize and test-time augmentation.
 */
import { checkInteger } from "../check.js";
import { ModelError } from "../errors.js";
import {
  type Appender,
  appender,
  constantTensor,
  freshName,
  hideInitializers,
  indexGraph,
  renameValue,
  vacateName,
} from "./editing.js";
import type { ResizeMode } from "./filter.js";
import { TensorProto_DataType as DataType, type GraphProto, type ValueInfoProto } from "./gen/onnx_pb.js";
import { makeNode, valueInfo } from "./graph.js";
import { decodeModel, encodeModel, type Model, opsetOf, toTensorProto } from "./proto.js";
import { appendResize } from "./resample.js";
import { declaredDims } from "./shapes.js";
import { cutModel } from "./surgery.js";
import { float32, int64, type Tensor } from "./tensor.js";
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
  };
  /** `output` null: found by cutAtFeatures. `levels`: maps whose means come after it, counted in `count`. */
  features: { output: string | null; count: number; levels?: readonly { name: string }[] };
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

const MIN_OPSET = 7;
/** Range, Clip and Slice with their bounds as inputs. */
const MIN_OPSET_EXPORT = 11;

/**
 * The backbone of `model` (a classifier or a feature extractor, as its file came): input `tiles` uint8 `[N, size, size, 3]` RGB,
 * output `features` float32 `[N, count]`, any N. Throws a ModelError where the network does not fit its card or takes no such size.
 */
export function prepareBackbone(
  model: Uint8Array,
  card: BackboneDescription,
  size: number,
  options: PrepareOptions = {},
): Uint8Array {
  checkInteger("size", size, 1);
  const decoded = decodeModel(model, card.name);
  checkFit(decoded, card, size, options);
  const { output, levels = [] } = card.features;
  const features = cutModel(decoded, {
    path: card.name,
    levels: levels.map(({ name }) => name),
    ...(output === null ? {} : { output }),
  });
  if (features.count !== card.features.count) {
    throw new ModelError(`${card.name} gives ${features.count} features, its card says ${card.features.count}.`);
  }
  const { graph } = decoded;
  hideInitializers(decoded);
  const input = onlyInput(graph, card);
  freeBatch(graph, input, card.name);
  graph.valueInfo = [];
  if (options.allViews) {
    const append = appender(graph);
    features.output = averageViews(append, features);
    graph.node.push(...append.nodes);
    graph.output = [valueInfo(features.output, "float32", ["N", features.count])];
  }
  renameValue(graph, features.output, FEATURES);
  putPixelsInFront(graph, input, card, size, options);
  return encodeModel(decoded);
}

function checkFit(model: Model, card: BackboneDescription, size: number, options: PrepareOptions): void {
  const { fixedSize } = card.input;
  if (fixedSize !== null && fixedSize !== size) {
    throw new ModelError(`${card.name} takes tiles of ${fixedSize} pixels only, not ${size}.`);
  }
  const needed = options.resize === undefined && !options.allViews ? MIN_OPSET : MIN_OPSET_EXPORT;
  if (opsetOf(model) < needed) {
    throw new ModelError(
      `${card.name} uses ONNX operator set ${opsetOf(model)}; canopy needs ${needed} or later: convert or export it again.`,
    );
  }
}

/** The image input, which must be the only one left after the cut. */
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

/**
 * Makes a batch of one into a batch of any number: Reshapes that write the 1 down are told to keep the batch instead. The shape's
 * own -1, where it has one, stays, and the batch is copied from the input (0); else the batch is what is inferred (-1).
 */
function freeBatch(graph: GraphProto, input: ValueInfoProto, path: string): void {
  const batch = declaredDims(input)?.[0];
  if (batch === undefined) return;
  if (batch !== 1)
    throw new ModelError(`${path} takes batches of ${batch} only; export it with a free batch dimension.`);
  const index = indexGraph(graph);
  for (const node of graph.node) {
    const shape = node.opType === "Reshape" ? constantTensor(index, node.input[1] ?? "") : undefined;
    if (shape === undefined || index.isConstant(node.input[0] ?? "") || Number(shape.data[0]) !== 1) continue;
    const sizes = Array.from(shape.data, Number);
    sizes[0] = sizes.includes(-1) ? 0 : -1;
    const name = freshName(graph, "canopy_shape");
    graph.initializer.push(toTensorProto(name, int64([sizes.length], sizes)));
    node.input[1] = name;
  }
}

/** Replaces the image input by `tiles`, and puts the nodes between the two in front of the graph. */
function putPixelsInFront(
  graph: GraphProto,
  input: ValueInfoProto,
  card: BackboneDescription,
  size: number,
  options: PrepareOptions,
): void {
  const wanted = freshName(graph, "canopy_pixels");
  renameValue(graph, input.name, wanted);
  vacateName(graph, TILES);
  const append = appender(graph);
  const values =
    options.resize === undefined ? floatPixels(append, card) : resizedPixels(append, card, size, options.resize);
  const views = options.allViews ? appendViews(append, values, card.input.layout) : values;
  const normal = normalise(append, views, card);
  const elemType = input.type?.tensorType?.elemType ?? DataType.FLOAT;
  const last = elemType === DataType.FLOAT ? "Identity" : "Cast";
  graph.node.unshift(...append.nodes, makeNode(last, [normal], [wanted], last === "Cast" ? { to: elemType } : {}));
  graph.input = [valueInfo(TILES, "uint8", options.resize === undefined ? ["N", size, size, 3] : ["N", "H", "W", 3])];
}

/** Pixels 0..255 as float32 in the network's layout; transposed while they are bytes, which moves a quarter of the memory. */
function floatPixels(append: Appender, card: BackboneDescription): string {
  const pixels = card.input.layout === "NCHW" ? append.node("Transpose", [TILES], { perm: [0, 3, 1, 2] }) : TILES;
  return append.node("Cast", [pixels], { to: DataType.FLOAT });
}

function resizedPixels(append: Appender, card: BackboneDescription, size: number, mode: ResizeMode): string {
  const resized = appendResize(append, TILES, size, mode);
  return card.input.layout === "NCHW" ? resized : append.node("Transpose", [resized], { perm: [0, 2, 3, 1] });
}

/** `(pixel / scale - mean) / std` as one Mul and one Add, each left out where it changes nothing. */
function normalise(append: Appender, pixels: string, card: BackboneDescription): string {
  const { layout, channels, scale, mean, std } = card.input;
  const factors = std.map((each) => 1 / (scale * each));
  const offsets = mean.map((each, channel) => -each / (std[channel] as number));
  let value = pixels;
  if (channels === "BGR") {
    const order = append.constant("bgr", int64([3], [2, 1, 0]));
    value = append.node("Gather", [value, order], { axis: layout === "NCHW" ? 1 : 3 });
  }
  if (factors.some((each) => each !== 1)) {
    value = append.node("Mul", [value, append.constant("factor", perChannel(factors, layout))]);
  }
  if (offsets.some((each) => each !== 0)) {
    value = append.node("Add", [value, append.constant("offset", perChannel(offsets, layout))]);
  }
  return value;
}

/** A scalar where the channels agree: ONNX Runtime's broadcast over a last axis of 3 is slow. */
function perChannel(values: readonly number[], layout: "NCHW" | "NHWC"): Tensor {
  if (values.every((each) => each === values[0])) return float32([], values.slice(0, 1));
  return float32(layout === "NCHW" ? [3, 1, 1] : [3], values);
}
