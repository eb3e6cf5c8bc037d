/** Matrix products. */
import { intAttribute } from "../onnx/editing.js";
import type { NodeProto } from "../onnx/gen/onnx_pb.js";
import { repeatedAxes, unbroadcast } from "./broadcast.js";
import type { Emitter } from "./emitter.js";
import { dimsOf, fail, inputOf, type Rule, type Site } from "./rule.js";

/** dA = dY B', dB = A' dY; where a matrix served a whole batch, summed over it. */
export const matMul: Rule = (site) => {
  const { emit, dy, node } = site;
  const [a, b] = [inputOf(site, 0), inputOf(site, 1)];
  const [rankA, rankB] = [dimsOf(site, a).length, dimsOf(site, b).length];
  if (rankA < 2 || rankB < 2) fail(node, "it multiplies by a vector");
  return [
    site.wants(0) ? sumOverBatch(site, emit.op("MatMul", [dy, transposed(emit, b, rankB)]), 0) : undefined,
    site.wants(1) ? rightGradient(site, a, rankA, rankB) : undefined,
  ];
};

/** Of one matrix for all rows of all batches the gradient is one product of all these rows. */
function rightGradient(site: Site, a: string, rankA: number, rankB: number): string {
  const { emit, dy } = site;
  if (rankB > 2) return sumOverBatch(site, emit.op("MatMul", [transposed(emit, a, rankA), dy]), 1);
  return emit.op("Gemm", [rows(site, a, a), rows(site, dy, site.node.output[0] ?? "")], { transA: 1 });
}

/** `value`, which has the shape of `like`, as `[rows, columns]`. */
function rows(site: Site, value: string, like: string): string {
  const dims = dimsOf(site, like);
  if (dims.length === 2) return value;
  const columns = dims.at(-1) ?? fail(site.node, `the last size of "${like}" is not fixed`);
  return site.emit.op("Reshape", [value, site.emit.ints([-1, columns])]);
}

function transposed(emit: Emitter, value: string, rank: number): string {
  const perm = Array.from({ length: rank }, (_, axis) => axis);
  return emit.op("Transpose", [value], { perm: [...perm.slice(0, -2), rank - 1, rank - 2] });
}

/** Sums over batch axes of the product along which input `at` was repeated; its last two sizes are its own already. */
function sumOverBatch(site: Site, gradient: string, at: number): string {
  const name = inputOf(site, at);
  const own = dimsOf(site, name).slice(0, -2);
  const batch = dimsOf(site, site.node.output[0] ?? "").slice(0, -2);
  const axes = repeatedAxes(site, name, batch, own);
  if (axes.length === 0) return gradient;
  const sum = site.emit.sum(gradient, axes);
  return own.length === batch.length ? sum : site.emit.reshapeLike(sum, name);
}

/** Y = alpha A B + beta C, A and B perhaps transposed. */
export const gemm: Rule = (site) => {
  const { emit, dy, node } = site;
  const [a, b] = [inputOf(site, 0), inputOf(site, 1)];
  const [transA, transB] = [intAttribute(node, "transA", 0), intAttribute(node, "transB", 0)];
  const product = (left: string, right: string, turnLeft: number, turnRight: number) =>
    emit.op("Gemm", [left, right], { transA: turnLeft, transB: turnRight, alpha: { float: factor(node, "alpha") } });
  const left = () => (transA ? product(b, dy, transB, 1) : product(dy, b, 0, 1 - transB));
  const right = () => (transB ? product(dy, a, 1, transA) : product(a, dy, 1 - transA, 0));
  return [
    site.wants(0) ? left() : undefined,
    site.wants(1) ? right() : undefined,
    site.wants(2) ? unbroadcast(site, scaled(emit, dy, factor(node, "beta")), 2) : undefined,
  ];
};

function factor(node: NodeProto, name: string): number {
  return node.attribute.find((each) => each.name === name)?.f ?? 1;
}

function scaled(emit: Emitter, value: string, by: number): string {
  return by === 1 ? value : emit.op("Mul", [value, by]);
}
