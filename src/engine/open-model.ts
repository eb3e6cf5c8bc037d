/** Opens a trained model's folder, so that the model can run. */
import { chooseDevice, type DeviceChoice } from "../features/device.js";
import { integerFormOn, precisionOn } from "../features/kernels.js";
import { loadCheckpoint } from "../head/checkpoint.js";
import { loadBackbone } from "../models/load-backbone.js";
import { preparedNetwork } from "../quantise/network.js";
import type { LoadedModel } from "./engine.js";

interface OpenModelOptions {
  /** The backbone's file. @default that of the model's folder, or a backbone this canopy knows */
  backbone?: string | undefined;
  /** @default "auto" */
  device?: DeviceChoice | undefined;
  /** Aborts trying the backbone out, which happens the first time it is used. */
  signal?: AbortSignal | undefined;
}

/** Loads the model in `folder`, finds its backbone and chooses the device. Throws FormatError, ModelError. */
export async function openModel(folder: string, options: OpenModelOptions): Promise<LoadedModel> {
  const checkpoint = await loadCheckpoint(folder);
  const { card, preprocessing, precision = "fp32" } = checkpoint;
  const { backbone, device, signal } = options;
  const { size } = preprocessing;
  const bytes = await loadBackbone(card, { folder, file: backbone, size, signal });
  const chosen = await chooseDevice(device);
  const network = await preparedNetwork(precisionOn(chosen, precision), bytes, card, size, integerFormOn(chosen));
  return { checkpoint, backbone: network, device: chosen };
}
