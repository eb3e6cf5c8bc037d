/** Activations become part of the convolutions before them. */
import type { NativeOperation } from "../native-trainer.js";

/** `operations` with each activation merged into the convolution whose result only it reads. HardSwish needs its argument, and stays. */
export function fuseActivations(operations: readonly NativeOperation[]): NativeOperation[] {
  const users = new Map<number, NativeOperation[]>();
  for (const each of operations) for (const input of each.inputs) users.set(input, [...(users.get(input) ?? []), each]);
  const merged = new Set<NativeOperation>();
  const fused = operations.map((operation) => {
    const [user, ...others] = users.get(operation.output) ?? [];
    const hasWeight = operation.kind === "convolution" || operation.kind === "depthwise";
    if (!hasWeight || others.length > 0 || user?.kind !== "activation") return operation;
    if (user.activation === undefined || user.activation.kind === "hard-swish") return operation;
    merged.add(user);
    return { ...operation, output: user.output, activation: user.activation };
  });
  return fused.filter((each) => !merged.has(each));
}
