/** A trained model's folder becomes something that can be run. */
import { chooseDevice, type DeviceChoice } from "../features/device.js";
import { loadCheckpoint } from "../head/checkpoint.js";
import { loadBackbone } from "../models/registry.js";
import { prepareBackbone } from "../onnx/prepare.js";
import type { LoadedModel } from "./engine.js";

interface OpenModelOptions {
  /** Where the backbone's file is now. @default the model's folder, or what this canopy knows */
  backbone?: string | undefined;
  /** @default "auto" */
  device?: DeviceChoice | undefined;
  /** Ends trying the backbone out, the first time it is used. */
  signal?: AbortSignal | undefined;
}

/** Loads the model in `folder`, finds its backbone and chooses the device. Throws FormatError, ModelError. */
export async function openModel(folder: string, options: OpenModelOptions): Promise<LoadedModel> {
  const checkpoint = await loadCheckpoint(folder);
  const { card, preprocessing } = checkpoint;
  const { backbone, device, signal } = options;
  const bytes = await loadBackbone(card, { folder, file: backbone, size: preprocessing.size, signal });
  return {
    checkpoint,
    backbone: prepareBackbone(bytes, card, preprocessing.size),
    device: await chooseDevice(device),
  };
}
