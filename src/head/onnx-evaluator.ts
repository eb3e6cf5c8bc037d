/** Values and gradients of problems by ONNX Runtime, used without the addon. */
import type { InferenceSession, Tensor as OrtTensor } from "onnxruntime-node";
import type { NativeFeatures } from "../addon.js";
import { GraphBuilder } from "../onnx/graph.js";
import { float32, int64 } from "../onnx/tensor.js";
import { loadOnnxRuntime } from "../onnx-runtime.js";
import type { LabelMatrix } from "../tiles/label-matrix.js";
import type { Evaluator } from "./evaluator.js";

interface Chunk {
  x: Float32Array;
  /** `[rows, problems]` */
  y: Float32Array;
  /** `[rows, problems]`: 0 if the problem holds the row out. */
  mask: Float32Array;
  rows: number;
}

/** Rows per run: limits a run's memory and how long it blocks its thread. */
const CHUNK_ROWS = 2048;

/** `folds` `[rows]` as in SolveOptions. Sums over chunks are in float64. */
export async function createOnnxEvaluator(
  features: NativeFeatures,
  labels: LabelMatrix,
  folds: Uint8Array | undefined,
): Promise<Evaluator> {
  const { InferenceSession, Tensor } = loadOnnxRuntime();
  const session = await InferenceSession.create(buildObjectiveGraph(features), { executionProviders: ["cpu"] });
  const tensor = (data: Float32Array, dims: number[]) => new Tensor("float32", data, dims);
  return {
    async evaluate(problems, weights, losses, gradients) {
      const sums = new Float64Array(gradients.length);
      const rowCounts = new Float64Array(losses.length);
      losses.fill(0);
      for (let first = 0; first < features.rows; first += CHUNK_ROWS) {
        const chunk = cutChunk(features, labels, folds, problems, first);
        await addChunk(session, tensor, chunk, weights, { losses, sums, rowCounts });
      }
      losses.forEach((loss, i) => {
        losses[i] = loss / rowCounts[i];
      });
      const width = features.numFeatures + 1;
      sums.forEach((sum, i) => {
        gradients[i] = sum / rowCounts[Math.floor(i / width)];
      });
    },
    close: () => session.release(),
  };
}

/** Sums over the rows of a chunk: `loss` [P], `weight_gradient` [P, numFeatures], `bias_gradient` [P]; weight is [P, numFeatures]. */
function buildObjectiveGraph({ numFeatures, mean, scale }: NativeFeatures): Uint8Array {
  const graph = new GraphBuilder("objective");
  const raw = graph.input("x", "float32", ["N", numFeatures]);
  const y = graph.input("y", "float32", ["N", "P"]);
  const mask = graph.input("mask", "float32", ["N", "P"]);
  const weight = graph.input("weight", "float32", ["P", numFeatures]);
  const bias = graph.input("bias", "float32", ["P"]);
  const one = graph.initializer("one", float32([], [1]));
  const rows = graph.initializer("rows", int64([1], [0]));
  const op = (name: string, ...inputs: string[]) => graph.node(name, inputs);
  const vector = (name: string, data: Float32Array) => graph.initializer(name, float32([numFeatures], data));
  const x =
    mean === undefined || scale === undefined
      ? raw
      : op("Mul", op("Sub", raw, vector("mean", mean)), vector("scale", scale));

  const z = graph.node("Gemm", [x, weight, bias], { transB: 1 });
  const tail = op("Log", op("Add", one, op("Exp", op("Neg", op("Abs", z)))));
  const loss = op("Mul", op("Add", op("Sub", op("Relu", z), op("Mul", z, y)), tail), mask);
  const delta = op("Mul", op("Sub", op("Sigmoid", z), y), mask);
  const sum = (value: string) => graph.node("ReduceSum", [value, rows], { keepdims: 0 });
  graph.output("loss", sum(loss), "float32", ["P"]);
  graph.output("weight_gradient", graph.node("Gemm", [delta, x], { transA: 1 }), "float32", ["P", numFeatures]);
  graph.output("bias_gradient", sum(delta), "float32", ["P"]);
  return graph.build();
}

function cutChunk(
  { data, numFeatures, rows: allRows }: NativeFeatures,
  labels: LabelMatrix,
  folds: Uint8Array | undefined,
  problems: Int32Array,
  first: number,
): Chunk {
  const rows = Math.min(CHUNK_ROWS, allRows - first);
  const count = problems.length / 2;
  const y = new Float32Array(rows * count);
  const mask = new Float32Array(rows * count);
  for (let i = 0; i < y.length; i++) {
    const row = first + Math.floor(i / count);
    const [tag, heldOut] = [problems[2 * (i % count)], problems[2 * (i % count) + 1]];
    y[i] = labels.data[row * labels.tags.length + tag];
    mask[i] = heldOut >= 0 && folds?.[row] === heldOut ? 0 : 1;
  }
  return { x: data.subarray(first * numFeatures, (first + rows) * numFeatures), y, mask, rows };
}

async function addChunk(
  session: InferenceSession,
  tensor: (data: Float32Array, dims: number[]) => OrtTensor,
  { x, y, mask, rows }: Chunk,
  weights: Float32Array,
  into: { losses: Float64Array; sums: Float64Array; rowCounts: Float64Array },
): Promise<void> {
  const count = into.losses.length;
  const numFeatures = x.length / rows;
  const { weight, bias } = splitBias(weights, numFeatures);
  const outputs = await session.run({
    x: tensor(x, [rows, numFeatures]),
    y: tensor(y, [rows, count]),
    mask: tensor(mask, [rows, count]),
    weight: tensor(weight, [count, numFeatures]),
    bias: tensor(bias, [count]),
  });
  const get = (name: string) => outputs[name].data as Float32Array;
  const weightGradient = get("weight_gradient");
  for (let p = 0; p < count; p++) {
    into.losses[p] += get("loss")[p];
    const from = p * (numFeatures + 1);
    for (let f = 0; f < numFeatures; f++) into.sums[from + f] += weightGradient[p * numFeatures + f];
    into.sums[from + numFeatures] += get("bias_gradient")[p];
  }
  mask.forEach((kept, i) => {
    into.rowCounts[i % count] += kept;
  });
}

/** `[P, numFeatures + 1]` into `[P, numFeatures]` and `[P]`. */
function splitBias(weights: Float32Array, numFeatures: number): { weight: Float32Array; bias: Float32Array } {
  const count = weights.length / (numFeatures + 1);
  const weight = new Float32Array(count * numFeatures);
  const bias = new Float32Array(count);
  for (let p = 0; p < count; p++) {
    const from = p * (numFeatures + 1);
    weight.set(weights.subarray(from, from + numFeatures), p * numFeatures);
    bias[p] = weights[from + numFeatures];
  }
  return { weight, bias };
}
