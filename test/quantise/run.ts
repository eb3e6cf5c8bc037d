/** Observes, quantises and runs small networks. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import ort from "onnxruntime-node";
import { chooseKernels, type Kernels } from "../../src/features/kernels.js";
import { decodeModel } from "../../src/onnx/proto.js";
import { observingModel } from "../../src/quantise/observe.js";
import { type Ranges, rangesOf } from "../../src/quantise/ranges.js";
import { temporaryFolder } from "../helpers.js";
import { runModel } from "../onnx/run.js";
import { SIZE } from "./networks.js";

/** Tests of integer kernels where these are wrong. */
export const NO_INTEGERS =
  chooseKernels().kernels === "integer" ? false : `integer kernels are not used here: ${chooseKernels().reason}`;

export function toTensor(tiles: Uint8Array): ort.Tensor {
  return new ort.Tensor("uint8", tiles, [tiles.length / (SIZE * SIZE * 3), SIZE, SIZE, 3]);
}

export async function observe(prepared: Uint8Array, tiles: Uint8Array): Promise<Ranges> {
  const { model, names } = observingModel(prepared);
  const { features } = await runModel(model, { tiles: toTensor(tiles) });
  return rangesOf(names, features.data);
}

/** The features, and the operators that ONNX Runtime ran in the end. */
export async function run(
  model: Uint8Array,
  tiles: Uint8Array,
  kernels: Kernels,
  t: Parameters<typeof temporaryFolder>[0],
): Promise<{ features: Float32Array; operators: string[] }> {
  const path = join(temporaryFolder(t), "optimised.onnx");
  const session = await ort.InferenceSession.create(model, {
    intraOpNumThreads: 1,
    logSeverityLevel: 3,
    graphOptimizationLevel: "all",
    optimizedModelFilePath: path,
    extra: { session: { disable_quant_qdq: kernels === "integer" ? "0" : "1" } },
  });
  const { features } = await session.run({ tiles: toTensor(tiles) });
  await session.release();
  const { graph } = decodeModel(readFileSync(path), path);
  return {
    features: Float32Array.from(features.data as Float32Array),
    operators: graph.node.map((node) => node.opType),
  };
}
