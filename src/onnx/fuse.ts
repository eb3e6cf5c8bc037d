/**
 * Puts a trained head after a prepared backbone: tiles in, probabilities out, with tags and thresholds in the same
 * file.
 */
import { create } from "@bufbuild/protobuf";
import { ModelError } from "../errors.js";
import { type Appender, appender, vacateName } from "./editing.js";
import {
  TensorProto_DataType as DataType,
  type GraphProto,
  StringStringEntryProtoSchema,
  TensorProtoSchema,
} from "./gen/onnx_pb.js";
import { makeNode, valueInfo } from "./graph.js";
import { decodeModel, encodeModel, toTensorProto } from "./proto.js";
import { declaredDims } from "./shapes.js";
import { float32, int64 } from "./tensor.js";

/** A trained linear head: `probability = sigmoid(features * weight + bias)`. */
interface LinearHead {
  /** `[features, tags]` float32, row-major. */
  weight: Float32Array;
  /** `[tags]` float32. */
  bias: Float32Array;
  /** Names of the tags; if given, there is a string output `tags`. */
  tags?: readonly string[];
  /** `[tags]` float32; if given, there is an output `thresholds`. */
  thresholds?: Float32Array;
  /** Groups of columns whose probabilities are divided by their sum. @default [] */
  exclusive?: readonly (readonly number[])[];
  /** Groups of columns of which the most probable is given, whatever the thresholds; if there are any, there is an output `given`. */
  settled?: readonly (readonly number[])[];
}

/** Name of the first output of a model with its head. */
export const PROBABILITIES = "probabilities";

/**
 * `prepared` (see prepareBackbone) followed by `head`: output `probabilities` float32 `[N, tags]`, and as constants
 * `tags` and `thresholds`, for runtimes that cannot read `metadata`. Throws a ModelError if the head has another width.
 */
export function fuseHead(
  prepared: Uint8Array,
  head: LinearHead,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array {
  const model = decodeModel(prepared, "The prepared backbone");
  const { graph } = model;
  const features = graph.output[0];
  const tags = head.bias.length;
  const count = declaredDims(features)?.[1];
  if (features === undefined || count === undefined || head.weight.length !== count * tags) {
    throw new ModelError(
      `A head of ${head.weight.length} weights and ${tags} tags does not fit a backbone of ${count} features.`,
    );
  }
  for (const name of [PROBABILITIES, "tags", "thresholds", "given"]) vacateName(graph, name);
  const append = appender(graph);
  const weight = append.constant("head_weight", float32([count, tags], head.weight));
  const bias = append.constant("head_bias", float32([tags], head.bias));
  const logits = append.node("Gemm", [features.name, weight, bias]);
  if (head.exclusive?.length) {
    const shares = append.node("Sigmoid", [logits]);
    const sums = sumGroups(append, shares, head);
    graph.node.push(...append.nodes, makeNode("Div", [shares, sums], [PROBABILITIES]));
  } else {
    graph.node.push(...append.nodes, makeNode("Sigmoid", [logits], [PROBABILITIES]));
  }
  graph.output = [valueInfo(PROBABILITIES, "float32", ["N", tags])];
  if (head.tags !== undefined) addTags(graph, head.tags);
  if (head.thresholds !== undefined) addThresholds(graph, head.thresholds);
  if (head.settled?.length) addGiven(graph, head, head.settled);
  model.metadataProps = Object.entries(metadata).map(([key, value]) =>
    create(StringStringEntryProtoSchema, { key, value }),
  );
  return encodeModel(model);
}

/** The divisor of each probability: its group's sum, or 1. */
function sumGroups(append: Appender, shares: string, { bias, exclusive = [] }: LinearHead): string {
  const tags = bias.length;
  const members = new Float32Array(tags * tags);
  const alone = new Float32Array(tags).fill(1);
  for (const group of exclusive) {
    for (const to of group) {
      for (const from of group) members[from * tags + to] = 1;
      alone[to] = 0;
    }
  }
  const inputs = [shares, append.constant("groups", float32([tags, tags], members))];
  const sums = append.node("Gemm", [...inputs, append.constant("alone", float32([tags], alone))]);
  // A group of zeros stays.
  return append.node("Max", [sums, append.constant("smallest", float32([1], Float32Array.of(1e-30)))]);
}

function addTags(graph: GraphProto, tags: readonly string[]): void {
  const stringData = tags.map((tag) => new TextEncoder().encode(tag));
  const dims = [BigInt(tags.length)];
  graph.initializer.push(create(TensorProtoSchema, { name: "tags", dims, dataType: DataType.STRING, stringData }));
  graph.output.push(valueInfo("tags", "string", [tags.length]));
}

function addThresholds(graph: GraphProto, thresholds: Float32Array): void {
  graph.initializer.push(toTensorProto("thresholds", float32([thresholds.length], thresholds)));
  graph.output.push(valueInfo("thresholds", "float32", [thresholds.length]));
}

/** Output `given` bool `[N, tags]`: a probability that reaches its threshold, or the greatest of its group. */
function addGiven(graph: GraphProto, { bias, thresholds }: LinearHead, settled: readonly (readonly number[])[]): void {
  const append = appender(graph, "given");
  const tags = bias.length;
  const reaches = (bar: string) => append.node("Not", [append.node("Less", [PROBABILITIES, bar])]);
  let given = reaches(append.constant("bars", float32([tags], thresholds ?? new Float32Array(tags).fill(0.5))));
  settled.forEach((group, i) => {
    const columns = group.map((column) => {
      const index = append.constant(`column_${column}`, int64([1], [column]));
      return append.node("Gather", [PROBABILITIES, index], { axis: 1 });
    });
    const inGroup = Float32Array.from({ length: tags }, (_, column) => (group.includes(column) ? 1 : 0));
    const zero = append.constant(`zero_${i}`, float32([1], Float32Array.of(0)));
    const members = append.node("Greater", [append.constant(`group_${i}`, float32([tags], inGroup)), zero]);
    const most = append.node("And", [members, reaches(append.node("Max", columns))]);
    const others = append.node("And", [append.node("Not", [members]), given]);
    given = append.node("Or", [most, others]);
  });
  graph.node.push(...append.nodes, makeNode("Identity", [given], ["given"]));
  graph.output.push(valueInfo("given", "bool", ["N", tags]));
}
