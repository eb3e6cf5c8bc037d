/**
 * The levels of a convolutional network: its maps just before it halves its resolution. The last features are made for
 * the classes the network was trained on; the levels before them still hold the texture and colour that tell cloud,
 * haze, road and field apart. Feature pyramids use the same maps (Lin et al., Feature Pyramid Networks for Object
 * Detection, 2017).
 */
import { type GraphIndex, indexGraph } from "./editing.js";
import type { NodeProto } from "./gen/onnx_pb.js";
import { decodeModel } from "./proto.js";
import { beforeRounding, quantisationOf } from "./quantised.js";
import { inferDims } from "./shapes.js";
import { mapStrides, stepOf } from "./strides.js";
import { cutModel } from "./surgery.js";

/** A feature map `[N, count, H, W]` whose mean over height and width comes after the features. */
interface Level {
  name: string;
  /** Channels, each of which becomes a feature. */
  count: number;
}

/**
 * Number of levels, counted from the features: at a stride of 2 there are only edges and colours, on the largest maps.
 */
const MAX_LEVELS = 3;

/**
 * The levels of the network in `bytes`, from fine to coarse: of the maps that a layer of stride 2 reads, the widest of each resolution.
 * None if the network halves nothing (a transformer). `output` is where its features are, null if cutAtFeatures finds them.
 */
export function findLevels(bytes: Uint8Array, path: string, output: string | null): Level[] {
  const model = decodeModel(bytes, path);
  cutModel(model, { path, ...(output !== null && { output }) });
  const widest = widestMaps(indexGraph(model.graph));
  const strides = [...widest.keys()].sort((a, b) => a - b);
  return strides.slice(-MAX_LEVELS).map((stride) => widest.get(stride) as Level);
}

/** By stride. */
function widestMaps(index: GraphIndex): Map<number, Level> {
  const strides = mapStrides(index);
  const widest = new Map<number, Level>();
  for (const node of index.graph.node) {
    const stride = strides.get(node.input[0] ?? "") ?? 0;
    // At stride 1 there are only pixels; a step of more than 2 is a pool over the whole map.
    if (stepOf(node) !== 2 || stride < 2) continue;
    const name = beforeRounding(index, unpadded(index, node));
    const count = inferDims(index, name)?.[1] ?? 0;
    const isFloat = quantisationOf(index, name) === undefined;
    if (isFloat && count > 0 && count >= (widest.get(stride)?.count ?? 0)) widest.set(stride, { name, count });
  }
  return widest;
}

/** The input of `node` before its padding. */
function unpadded(index: GraphIndex, node: NodeProto): string {
  const name = node.input[0] as string;
  const producer = index.producers.get(name);
  return producer?.opType === "Pad" ? unpadded(index, producer) : name;
}
