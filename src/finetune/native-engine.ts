/** The engine by the addon's own kernels, on the CPU. */
import type { NativeAddon } from "../addon.js";
import { ModelError } from "../errors.js";
import type { NativePart } from "../native-trainer.js";
import type { StepRates, TunableModel, TuningBatch, TuningEngine, TuningState } from "./engine.js";
import { planNative } from "./native-plan.js";

interface NativeEngineOptions {
  threads: number;
  /** The largest batch that will come. */
  batchSize: number;
  /** A set of kernels by name, for tests. @default the fastest */
  kernels?: string;
}

/** The engine; or in a sentence why the native trainer cannot run this network. */
export async function createNativeEngine(
  addon: NativeAddon,
  model: TunableModel,
  options: NativeEngineOptions,
): Promise<TuningEngine | { reason: string }> {
  const network = planNative(model, options.batchSize);
  if ("reason" in network) return network;
  const { plan, parameters } = network;
  const trainer = addon.createTrainer(plan, options.threads, options.kernels);
  const { numTags } = model;
  let steps = 0;

  const read = async (part: NativePart): Promise<Map<string, Float32Array>> => {
    const arrays = parameters.map(({ data, trainable }) => (trainable ? new Float32Array(data.length) : undefined));
    await trainer.read(part, arrays);
    return new Map(parameters.flatMap(({ name }, i) => (arrays[i] === undefined ? [] : [[name, arrays[i]] as const])));
  };
  const write = (part: NativePart, values: ReadonlyMap<string, Float32Array>) =>
    trainer.write(
      part,
      parameters.map(({ name, data, trainable }) =>
        trainable ? checked(name, data.length, values.get(name)) : undefined,
      ),
    );

  await trainer.write(
    0,
    parameters.map(({ data }) => data),
  );
  return {
    name: "native",
    async step({ tiles, count, targets, dropout }: TuningBatch, rates: StepRates) {
      const loss = await trainer.step(tiles, count, targets, dropout, { ...rates, step: steps + 1 });
      if (Number.isFinite(loss)) steps++;
      return loss;
    },
    async logits(tiles, count) {
      const out = new Float32Array(count * numTags);
      await trainer.logits(tiles, count, out);
      return out;
    },
    weights: () => read(0),
    state: async (): Promise<TuningState> => ({
      steps,
      weights: await read(0),
      firstMoments: await read(1),
      secondMoments: await read(2),
    }),
    async restore(state) {
      await write(0, state.weights);
      await write(1, state.firstMoments);
      await write(2, state.secondMoments);
      steps = state.steps;
    },
    async close() {
      trainer.close();
    },
  };
}

function checked(name: string, length: number, values: Float32Array | undefined): Float32Array {
  if (values?.length === length) return values;
  throw new ModelError(`The state has ${values?.length ?? "no"} values of "${name}"; the network has ${length}.`);
}
