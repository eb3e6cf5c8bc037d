/**
 * Where a training by mini-batches stands after an epoch: all it takes to go on. The order of tiles follows from seed and epoch. States
 * are kept in one safetensors file, its metadata saying what is not a tensor.
 */
import { readFile, rename, writeFile } from "node:fs/promises";
import { FormatError } from "../errors.js";
import { decodeSafetensors, encodeSafetensors, type SafetensorsFile } from "../onnx/safetensors.js";
import { float32, type Tensor } from "../onnx/tensor.js";
import type { GradientConfig } from "./config.js";
import type { HistoryRow } from "./history.js";
import type { StepState } from "./stepper.js";

export interface TrainState extends StepState {
  /** Epochs done. */
  epoch: number;
  config: GradientConfig;
  history: HistoryRow[];
}

/** States by training; see FitOptions.states. */
export type TrainStates = (TrainState | undefined)[];

interface StoredState {
  index: number;
  epoch: number;
  iterations: number;
  slots: number;
  config: GradientConfig;
  history: HistoryRow[];
}

const FORMAT = "canopy training 1";

/**
 * Writes `states` to `path`, whole or not at all. `fingerprint` says what was trained on (tiles, labels, backbone): only the same may go
 * on from it.
 */
export async function saveTrainStates(path: string, states: TrainStates, fingerprint: string): Promise<void> {
  const tensors = new Map<string, Tensor>();
  const stored = [...states.entries()].flatMap(([index, state]) => {
    if (state === undefined) return [];
    const { weight, bias, slots, ...rest } = state;
    const named = { weight, bias, ...Object.fromEntries(slots.map((slot, i) => [`slot${i}`, slot])) };
    for (const [name, data] of Object.entries(named)) tensors.set(`${index}.${name}`, float32([data.length], data));
    return [{ ...rest, index, slots: slots.length }];
  });
  const metadata = { format: FORMAT, fingerprint, states: JSON.stringify(stored satisfies StoredState[]) };
  await writeFile(`${path}.part`, encodeSafetensors(tensors, metadata));
  await rename(`${path}.part`, path);
}

/**
 * The states in `path`; an empty list where the file was written for other tiles, labels or backbone (another fingerprint).
 *
 * @throws FormatError for a damaged or foreign file
 */
export async function loadTrainStates(path: string, fingerprint: string): Promise<TrainStates> {
  const file = decodeSafetensors(await readFile(path), path);
  if (file.metadata["format"] !== FORMAT) {
    throw new FormatError(path, `${path} is no interrupted training of this canopy: remove it, and train anew.`);
  }
  if (file.metadata["fingerprint"] !== fingerprint) return [];
  const states: TrainStates = [];
  for (const { index, slots, ...rest } of parseStored(file, path)) {
    const get = (name: string) => getFloats(file, `${index}.${name}`, path);
    const slotData = Array.from({ length: slots }, (_, i) => get(`slot${i}`));
    states[index] = { ...rest, weight: get("weight"), bias: get("bias"), slots: slotData };
  }
  return states;
}

function parseStored({ metadata }: SafetensorsFile, path: string): StoredState[] {
  try {
    return JSON.parse(metadata["states"] ?? "");
  } catch (cause) {
    throw new FormatError(path, `${path} is damaged: remove it, and train anew.`, { cause });
  }
}

function getFloats({ tensors }: SafetensorsFile, name: string, path: string): Float32Array {
  const data = tensors.get(name)?.data;
  if (!(data instanceof Float32Array)) {
    throw new FormatError(path, `${path} is damaged (it lacks ${name}): remove it, and train anew.`);
  }
  return data.slice();
}
