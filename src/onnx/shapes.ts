/**
 * As much shape inference as surgery needs: the rank of a value and its fixed sizes. An operator it does not know gives
 * "unknown", which is always safe.
 */
import { constantTensor, type GraphIndex } from "./editing.js";
import type { NodeProto, ValueInfoProto } from "./gen/onnx_pb.js";
import { computeIntegers, type Integers, integersOf, shapeIntegers } from "./integers.js";
import { type Dims, outputDims } from "./shape-rules.js";

export type { Dims };

/** What is known of a graph's values. */
interface Inference {
  dims: Map<string, Dims>;
  /** Values that are computed from sizes, of which none depends on the number of tiles. */
  integers: Map<string, Integers>;
  /** All values that are computed from sizes, the number of tiles being BATCH. */
  sizes: Map<string, Integers>;
}

/** Numbers that a graph computes from sizes: `fixed[i] + perTile[i] * tiles`. */
export interface Sizes {
  isScalar: boolean;
  fixed: number[];
  perTile: number[];
}

const inferred = new WeakMap<GraphIndex, Inference>();

/**
 * Stands for the open number of tiles, so that sizes computed from it can be told: they are its multiples. A prime that
 * is no size of anything else.
 */
const BATCH = 1_000_003;

/** Sizes of the value `name`, or undefined if not even its rank is known. */
export function inferDims(index: GraphIndex, name: string): Dims | undefined {
  return inferenceOf(index).dims.get(name);
}

/** The numbers of `name`, if it is a constant or computed from fixed sizes. */
export function inferNumbers(index: GraphIndex, name: string): number[] | undefined {
  inferenceOf(index);
  return numbersIn(index, name)?.slice();
}

/** The numbers of `name` for any number of tiles, if they are computed from sizes and each is fixed or a multiple of that number. */
export function inferSizes(index: GraphIndex, name: string): Sizes | undefined {
  const found = inferenceOf(index).sizes.get(name);
  if (found?.values.some((value) => value > BATCH && !isOpen(value))) return undefined;
  return (
    found && {
      isScalar: found.isScalar,
      fixed: found.values.map((value) => (isOpen(value) ? 0 : value)),
      perTile: found.values.map((value) => (isOpen(value) ? value / BATCH : 0)),
    }
  );
}

function isOpen(size: number | undefined): boolean {
  return size !== undefined && size !== 0 && size % BATCH === 0;
}

function inferenceOf(index: GraphIndex): Inference {
  return inferred.get(index) ?? inferAll(index);
}

/** Of constants, and as far as the graph has been looked through also of computed ones. */
function numbersIn(index: GraphIndex, name: string): readonly number[] | undefined {
  const computed = inferred.get(index)?.integers.get(name)?.values;
  const constant = computed === undefined && name !== "" ? constantTensor(index, name) : undefined;
  return computed ?? (constant && Array.from(constant.data as BigInt64Array, Number));
}

/** Sizes a ValueInfoProto declares. */
export function declaredDims(info: ValueInfoProto | undefined): Dims | undefined {
  return info?.type?.tensorType?.shape?.dim.map(({ value }) =>
    value.case === "dimValue" && value.value > 0n ? Number(value.value) : undefined,
  );
}

/** Nodes are in topological order, so one pass forward finds what can be found. */
function inferAll(index: GraphIndex): Inference {
  const { input, output, valueInfo, node: nodes } = index.graph;
  const declared = new Map([...output, ...valueInfo].map((each) => [each.name, declaredDims(each)]));
  const known: Inference = { dims: new Map(), integers: new Map(), sizes: new Map() };
  inferred.set(index, known);
  for (const each of input) {
    const dims = declaredDims(each)?.map((size, axis) => size ?? (axis === 0 ? BATCH : undefined));
    if (dims !== undefined) known.dims.set(each.name, dims);
  }
  for (const [name, { dims }] of index.initializers) known.dims.set(name, dims.map(Number));
  for (const node of nodes) {
    const inputs = node.input.map((each) => known.dims.get(each));
    for (const [i, name] of node.output.entries()) {
      const dims = merge(declared.get(name), dimsOf(index, node, inputs, i));
      if (dims !== undefined) known.dims.set(name, dims);
    }
    learnIntegers(index, node, inputs, known);
  }
  return openBatch(index, known);
}

function dimsOf(index: GraphIndex, node: NodeProto, inputs: (Dims | undefined)[], at: number): Dims | undefined {
  if (node.opType === "Constant") return constantTensor(index, node.output[0] ?? "")?.dims.slice();
  return outputDims(node, inputs, at, (name) => numbersIn(index, name));
}

function learnIntegers(index: GraphIndex, node: NodeProto, dims: (Dims | undefined)[], { integers }: Inference): void {
  const [x] = dims;
  const find = (name: string) => integers.get(name) ?? constantIntegers(index, name);
  const found = node.opType === "Shape" ? x && shapeIntegers(node, x) : computeIntegers(node, find);
  if (found !== undefined) integers.set(node.output[0] ?? "", found);
}

function constantIntegers(index: GraphIndex, name: string): Integers | undefined {
  const tensor = name === "" ? undefined : constantTensor(index, name);
  return tensor && integersOf(tensor);
}

/** Sizes that depend on the number of tiles are not fixed. */
function openBatch(index: GraphIndex, { dims, integers }: Inference): Inference {
  const fixed = new Map(
    [...dims].map(([name, sizes]) => [name, sizes.map((size) => (isOpen(size) ? undefined : size))]),
  );
  const closed = new Map([...integers].filter(([, { values }]) => !values.some(isOpen)));
  const inference = { dims: fixed, integers: closed, sizes: integers };
  inferred.set(index, inference);
  return inference;
}

/** The declared shape, with open sizes filled in by inference. */
function merge(declared: Dims | undefined, computed: Dims | undefined): Dims | undefined {
  if (declared === undefined || computed?.length !== declared.length) return declared ?? computed;
  return declared.map((size, axis) => size ?? computed[axis]);
}
