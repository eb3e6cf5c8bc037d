/** What a network's graph says about its pictures: which input they are, their layout, size and type. */
import { ModelError, OptionError } from "../errors.js";
import { indexGraph, intAttribute, intsAttribute } from "../onnx/editing.js";
import type { GraphProto, NodeProto, ValueInfoProto } from "../onnx/gen/onnx_pb.js";
import { elementTypeOf } from "../onnx/proto.js";
import { declaredDims, inferDims } from "../onnx/shapes.js";
import type { ElementType } from "../onnx/tensor.js";

interface ImageInput {
  name: string;
  layout: "NCHW" | "NHWC";
  type: ElementType;
  /** The one side of square pictures it declares, null if it declares none. */
  fixedSize: number | null;
}

/** The picture input of `graph`, which is cut at its features. Throws a ModelError if there is none that canopy's tiles fit. */
export function imageInput(
  graph: GraphProto,
  path: string,
  options: { input?: string; layout?: "NCHW" | "NHWC" },
): ImageInput {
  const { initializers } = indexGraph(graph);
  const inputs = graph.input.filter((each) => !initializers.has(each.name));
  const input = onlyInput(inputs, path, options.input);
  const dims = declaredDims(input) ?? [];
  if (dims.length !== 0 && dims.length !== 4) {
    throw new ModelError(
      `Input "${input.name}" of ${path} has ${dims.length} dimensions; images have 4: [N, 3, H, W] or [N, H, W, 3].`,
    );
  }
  const layout = options.layout ?? layoutOf(graph, input.name, dims);
  checkChannels(graph, input.name, dims[layout === "NCHW" ? 1 : 3], path);
  const fixedSize = fixedSizeOf(layout === "NCHW" ? dims.slice(2) : dims.slice(1, 3), path);
  return { name: input.name, layout, type: elementTypeOf(input), fixedSize };
}

function onlyInput(inputs: readonly ValueInfoProto[], path: string, wanted: string | undefined): ValueInfoProto {
  const names = inputs.map((each) => each.name).join(", ");
  const input = wanted === undefined ? inputs[0] : inputs.find((each) => each.name === wanted);
  if (input === undefined) {
    if (wanted === undefined) throw new ModelError(`${path} has no input its features depend on.`);
    throw new OptionError(`${path} has no input called "${wanted}"; it has ${names}.`);
  }
  if (inputs.length > 1) {
    throw new ModelError(`The features of ${path} depend on several inputs (${names}): it is no image network.`);
  }
  return input;
}

/**
 * By the axis of the 3 channels; if no size is declared, by whether the network transposes its input first, as Keras'
 * do.
 */
function layoutOf({ node }: GraphProto, input: string, dims: readonly (number | undefined)[]): "NCHW" | "NHWC" {
  if (dims[1] === 3) return "NCHW";
  if (dims[3] === 3) return "NHWC";
  const readers = node.filter((each) => each.input.includes(input));
  const turns = readers.some(
    (each) => each.opType === "Transpose" && intsAttribute(each, "perm")?.join() === "0,3,1,2",
  );
  return turns ? "NHWC" : "NCHW";
}

function checkChannels(graph: GraphProto, input: string, declared: number | undefined, path: string): void {
  const channels = declared ?? channelsRead(graph, input);
  if (channels === undefined || channels === 3) return;
  throw new ModelError(
    `${path} takes pictures of ${channels} ${channels === 1 ? "channel" : "channels"}; canopy's tiles have 3, red, green and blue.`,
  );
}

/** Operators between a network's input and its first layer that keep the number of channels. */
const KEEPING = new Set(
  "Cast Identity Transpose Sub Add Mul Div QuantizeLinear DequantizeLinear BatchNormalization Pad Clip".split(" "),
);

/** The number of channels of the first convolution, if all operators before it keep the number of channels. */
function channelsRead(graph: GraphProto, input: string): number | undefined {
  let name = input;
  for (let node = readerOf(graph, name); node !== undefined; node = readerOf(graph, name)) {
    if (node.opType === "Conv") {
      const perGroup = inferDims(indexGraph(graph), node.input[1] ?? "")?.[1];
      return perGroup === undefined ? undefined : perGroup * intAttribute(node, "group", 1);
    }
    if (!KEEPING.has(node.opType)) return undefined;
    name = node.output[0] ?? "";
  }
  return undefined;
}

function readerOf({ node }: GraphProto, name: string): NodeProto | undefined {
  const readers = node.filter((each) => each.input[0] === name);
  return readers.length === 1 ? readers[0] : undefined;
}

/** The side of the only square the input takes; null where height and width are free. */
function fixedSizeOf([height, width]: (number | undefined)[], path: string): number | null {
  if (height === undefined && width === undefined) return null;
  if (height !== undefined && width !== undefined && height !== width) {
    throw new ModelError(`${path} takes pictures of ${width}x${height} only; canopy's tiles are square.`);
  }
  return height ?? width ?? null;
}
