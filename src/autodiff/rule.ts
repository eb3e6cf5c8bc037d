/** What a gradient rule is: the derivative of one operator, as nodes. */
import { ModelError } from "../errors.js";
import type { GraphIndex } from "../onnx/editing.js";
import type { NodeProto } from "../onnx/gen/onnx_pb.js";
import { type Dims, inferDims, inferNumbers } from "../onnx/shapes.js";
import type { Emitter } from "./emitter.js";

/** One node to be differentiated. */
export interface Site {
  node: NodeProto;
  /** The graph before gradients were added. */
  index: GraphIndex;
  emit: Emitter;
  /** The gradient of the node's first output. */
  dy: string;
  /** The gradient of each output, undefined where nothing depends on it. */
  gradients: readonly (string | undefined)[];
  /** Whether the gradient of input `at` is asked for. */
  wants(at: number): boolean;
}

/** The gradient of each input that is wanted. The others may be left out or undefined. */
export type Rule = (site: Site) => (string | undefined)[];

/** Input `at`, which must be there. */
export function inputOf({ node }: Site, at: number): string {
  return node.input[at] ?? "";
}

/** The sizes of the value `name`, of which at least the rank must be known. */
export function dimsOf({ index, node }: Site, name: string): Dims {
  return inferDims(index, name) ?? fail(node, `the rank of "${name}" is not known`);
}

/** The size of `name` along `axis`, which must be fixed. */
export function sizeOf(site: Site, name: string, axis: number): number {
  return dimsOf(site, name)[axis] ?? fail(site.node, `the size of axis ${axis} of "${name}" is not fixed`);
}

/** The numbers of a constant input, or undefined if it is left out. */
export function constantInput(site: Site, at: number): number[] | undefined {
  const name = site.node.input[at] ?? "";
  if (name === "") return undefined;
  const numbers = inferNumbers(site.index, name);
  return numbers ?? fail(site.node, `its input "${name}" is not constant`);
}

/** All axes of rank `rank` but `kept`. */
export function axesBut(rank: number, ...kept: number[]): number[] {
  return Array.from({ length: rank }, (_, axis) => axis).filter((axis) => !kept.includes(axis));
}

/** Axis -1 is the last one. */
export function fromFront(axis: number, rank: number): number {
  return axis < 0 ? axis + rank : axis;
}

/** A node in the way of gradients. */
export class NotDifferentiableError extends ModelError {
  constructor(
    readonly node: NodeProto,
    reason: string,
  ) {
    super(
      `canopy cannot differentiate the operator ${node.opType} of node "${node.name || node.output[0]}": ${reason}`,
    );
  }
}

export function fail(node: NodeProto, reason: string): never {
  throw new NotDifferentiableError(node, reason);
}
