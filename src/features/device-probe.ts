/** Child process of device.ts: creates and runs a tiny session on one provider, and prints the error, or nothing if it ran. */
import { GraphBuilder } from "../onnx/graph.js";
import { float32 } from "../onnx/tensor.js";
import { loadOnnxRuntime } from "../onnx-runtime.js";

const provider = process.argv[2];
try {
  const ort = loadOnnxRuntime();
  const session = await ort.InferenceSession.create(tinyModel(), {
    executionProviders: [provider],
    logSeverityLevel: 3,
    // Otherwise a provider that takes no node would go unnoticed.
    extra: { session: { disable_cpu_ep_fallback: provider === "cpu" ? "0" : "1" } },
  });
  const output = await session.run({ x: new ort.Tensor("float32", new Float32Array(48).fill(1), [1, 3, 4, 4]) });
  const first = (output["y"].data as Float32Array)[0];
  // 1 + 2 + 3: a provider that computes something else is not used.
  process.stdout.write(first === 6 ? "" : `it computes 1 + 2 + 3 = ${first}`);
} catch (error) {
  process.stdout.write((error as Error).message);
}

/** A 1x1 convolution, the backbone's own kind of work. */
function tinyModel(): Uint8Array {
  const graph = new GraphBuilder("probe");
  const x = graph.input("x", "float32", [1, 3, 4, 4]);
  const weight = graph.initializer("weight", float32([1, 3, 1, 1], [1, 2, 3]));
  graph.output("y", graph.node("Conv", [x, weight]), "float32", [1, 1, 4, 4]);
  return graph.build();
}
