/** The plan of the native trainer from a backbone's graph, or why there is none. */
import type { NativePlan } from "../native-trainer.js";
import { type GraphIndex, indexGraph } from "../onnx/editing.js";
import type { NodeProto } from "../onnx/gen/onnx_pb.js";
import { FEATURES, TILES } from "../onnx/prepare.js";
import { decodeModel } from "../onnx/proto.js";
import { HEAD_BIAS, HEAD_WEIGHTS, type TunableModel } from "./engine.js";
import { fuseActivations } from "./native-fusion.js";
import { NotNativeError, type PixelValue, type Planner, type PlanParameter } from "./native-planner.js";
import { NATIVE_RULES } from "./native-rules.js";

interface NativeNetwork {
  plan: NativePlan;
  /** In the plan's order, the head's last. */
  parameters: readonly PlanParameter[];
}

/** The plan, or in a sentence why the native trainer cannot run this network. */
export function planNative(model: TunableModel, batchSize: number): NativeNetwork | { reason: string } {
  const { graph } = decodeModel(model.network, "The backbone");
  const planner = newPlanner(indexGraph(graph), model);
  try {
    for (const node of graph.node) planNode(planner, node);
    return finish(planner, model, batchSize);
  } catch (error) {
    if (error instanceof NotNativeError) return { reason: error.message };
    throw error;
  }
}

function newPlanner(index: GraphIndex, { size, stored, trainable }: TunableModel): Planner {
  const pixels: PixelValue = {
    kind: "pixels",
    layout: "NHWC",
    order: [0, 1, 2],
    factor: [1, 1, 1],
    offset: [0, 0, 0],
  };
  return {
    index,
    trainable: new Set(trainable),
    values: new Map([[TILES, stored === undefined ? pixels : { kind: "stored", offset: 0, count: stored }]]),
    maps: [stored === undefined ? [size, size, 3] : [1, 1, stored]],
    parameters: [],
    operations: [],
    input: undefined,
  };
}

function planNode(planner: Planner, node: NodeProto): void {
  if (node.output.every((name) => name === "" || planner.index.isConstant(name))) return;
  const rule = NATIVE_RULES[node.opType];
  if (rule === undefined) {
    throw new NotNativeError(`the native trainer does not know the operator ${node.opType} of node "${node.name}"`);
  }
  planner.values.set(node.output[0] ?? "", rule(planner, node));
}

function finish(planner: Planner, model: TunableModel, batchSize: number): NativeNetwork {
  const features = planner.values.get(FEATURES);
  if (features?.kind !== "map" || !features.isFlat) throw new NotNativeError("its features are no result of a layer");
  if (planner.input === undefined && model.stored === undefined) throw new NotNativeError("no layer reads its tiles");
  const known = new Set(planner.parameters.map(({ name }) => name));
  const stray = model.trainable.find((name) => !known.has(name));
  if (stray !== undefined) throw new NotNativeError(`"${stray}" is no weight of a convolution or Gemm`);
  const parameters = [...planner.parameters, ...headParameters(model)];
  const plan: NativePlan = {
    input: planner.input,
    values: planner.maps,
    parameters: parameters.map(({ sizes, strides, trainable }) => ({ sizes, strides, trainable })),
    operations: fuseActivations(planner.operations),
    features: features.index,
    numTags: model.numTags,
    batchSize,
  };
  return { plan, parameters };
}

function headParameters({ head, numFeatures, numTags }: TunableModel): PlanParameter[] {
  return [
    {
      name: HEAD_WEIGHTS,
      data: head.weights,
      sizes: [numTags, 1, numFeatures],
      strides: [1, 0, numTags],
      trainable: true,
    },
    { name: HEAD_BIAS, data: head.bias, sizes: [1, 1, numTags], strides: [0, 0, 1], trainable: true },
  ];
}
