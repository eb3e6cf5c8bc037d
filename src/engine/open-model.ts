/** A trained model's folder becomes something that can be run. */
import { chooseDevice, type DeviceChoice } from "../features/device.js";
import { loadCheckpoint } from "../head/checkpoint.js";
import { loadBackbone } from "../models/registry.js";
import { prepareBackbone } from "../onnx/prepare.js";
import type { LoadedModel } from "./engine.js";

export interface OpenModelOptions {
  /** Where the backbone's file is now. @default where the model's card says */
  backbone?: string | undefined;
  /** @default "auto" */
  device?: DeviceChoice | undefined;
}

/** Loads the model in `folder`, finds its backbone and chooses the device. Throws FormatError, ModelError. */
export async function openModel(folder: string, { backbone, device }: OpenModelOptions): Promise<LoadedModel> {
  const checkpoint = await loadCheckpoint(folder);
  const { card, preprocessing } = checkpoint;
  const bytes = await loadBackbone(card, backbone === undefined ? {} : { file: backbone });
  return {
    checkpoint,
    backbone: prepareBackbone(bytes, card, preprocessing.size),
    device: await chooseDevice(device),
  };
}
