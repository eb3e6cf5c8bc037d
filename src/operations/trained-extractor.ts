/** Features of other tiles than a model was trained on, read and decoded as in its training unless told otherwise. */
import { checkDecodeOptions, type DecodeOptions } from "../decode/decoder.js";
import type { DeviceChoice } from "../features/device.js";
import { variantsFor } from "../features/dihedral.js";
import type { ExtractorOptions } from "../features/extractor.js";
import type { Checkpoint } from "../head/checkpoint.js";
import { loadBackbone } from "../models/load-backbone.js";
import type { RunContext } from "../run-context.js";

export interface ReadingOptions {
  /** Where the model's backbone file is now. @default the model's folder, or what this canopy knows */
  backbone?: string | undefined;
  /** What the backbone runs on. @default "auto" */
  device?: DeviceChoice | undefined;
  /** Decode threads. @default one per core */
  workers?: number | undefined;
  /** A tile with more pixels than this is rejected. @default 178956970, and 33554432 for what is no JPEG */
  maxPixels?: number | undefined;
  /** What to do with a JPEG whose data ends early. @default "reject" */
  onTruncated?: DecodeOptions["onTruncated"] | undefined;
}

/** For the model in the folder `model`. @throws ModelError if the backbone is not the one that it was trained with, or does not run */
export async function trainedExtractor(
  { card, preprocessing, precision }: Checkpoint,
  { model, backbone, device, workers, maxPixels, onTruncated }: ReadingOptions & { model: string },
  { signal }: RunContext,
): Promise<ExtractorOptions & { decode: Partial<DecodeOptions> }> {
  checkDecodeOptions({ maxPixels, onTruncated });
  const { colorspace, antialias, size, tta } = preprocessing;
  const bytes = await loadBackbone(card, { folder: model, file: backbone, size, signal });
  const decode = {
    colorspace,
    antialias,
    bands: preprocessing.bands ?? null,
    stretch: preprocessing.stretch ?? null,
    ...(maxPixels !== undefined && { maxPixels }),
    ...(onTruncated !== undefined && { onTruncated }),
  };
  return { backbone: { card, bytes }, size, device, workers, decode, precision, variants: variantsFor("none", tta) };
}
