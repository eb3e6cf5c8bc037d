/** The order of a graph's layers: what follows values back through them must come to an end. */
import { FormatError, ModelError } from "../errors.js";
import type { GraphProto } from "./gen/onnx_pb.js";

/** Layers one behind the other: twice as many as in the deepest networks in use, and what the stack holds. */
const MOST_DEEP = 1500;

/** Throws a FormatError if layers go round in a circle, a ModelError if there are too many one behind the other. */
export function checkOrder({ node: nodes }: GraphProto, path: string): void {
  const consumers = consumersOf(nodes);
  const waits = nodes.map(() => 0);
  for (const each of consumers) for (const consumer of each) waits[consumer]++;
  const ready = [...nodes.keys()].filter((i) => waits[i] === 0);
  const depth = nodes.map(() => 1);
  for (const i of ready) {
    for (const consumer of consumers[i]) {
      depth[consumer] = Math.max(depth[consumer], depth[i] + 1);
      if (--waits[consumer] === 0) ready.push(consumer);
    }
  }
  if (ready.length < nodes.length) {
    const name = nodes[waits.findIndex((count) => count > 0)].output[0];
    throw new FormatError(path, `${path} is not a valid ONNX model: its layers go round in a circle ("${name}").`);
  }
  const deepest = depth.reduce((most, each) => Math.max(most, each), 0);
  if (deepest > MOST_DEEP) {
    throw new ModelError(`${path} has ${deepest} layers one behind the other, and canopy reads at most ${MOST_DEEP}.`);
  }
}

/** Of each node the nodes that take what it gives. */
function consumersOf(nodes: GraphProto["node"]): number[][] {
  const producers = new Map(nodes.flatMap(({ output }, i) => output.map((name) => [name, i] as const)));
  const consumers: number[][] = nodes.map(() => []);
  for (const [i, { input }] of nodes.entries()) {
    for (const name of input) {
      const producer = producers.get(name);
      if (producer !== undefined) consumers[producer].push(i);
    }
  }
  return consumers;
}
