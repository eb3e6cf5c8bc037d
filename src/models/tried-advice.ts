/** If no features are found in a network: which of the candidate values really work. */
import { InterruptedError } from "../errors.js";
import { NoFeaturesError } from "../onnx/surgery.js";
import type { ModelCard } from "./card.js";
import { describeFile, type FileModelOptions } from "./file-model.js";
import { type ProbeOptions, probeBackbone } from "./probe.js";

type Options = FileModelOptions & ProbeOptions & { size?: number };

/** Like describeFile, but an error that names values for `output` names only those with which the network runs. */
export async function describeWithAdvice(bytes: Uint8Array, path: string, options: Options): Promise<ModelCard> {
  try {
    return describeFile(bytes, path, options);
  } catch (error) {
    if (!(error instanceof NoFeaturesError)) throw error;
    const tried: string[] = [];
    for (const output of error.candidates) {
      if (await serves(bytes, path, { ...options, output })) tried.push(output);
    }
    throw new NoFeaturesError(error.path, error.reason, tried);
  }
}

async function serves(bytes: Uint8Array, path: string, options: Options): Promise<boolean> {
  const { onWarning: _, ...quiet } = options;
  try {
    const card = describeFile(bytes, path, quiet);
    await probeBackbone(bytes, card, options.size ?? card.input.defaultSize, options);
    return true;
  } catch (error) {
    if (error instanceof InterruptedError) throw error;
    return false;
  }
}
