/** Features of any tiles under one backbone: decode workers, sessions and the feature store, opened once and used list by list. */
import { DECODE_DEFAULTS, type DecodeOptions } from "../decode/decoder.js";
import { decoderVersion } from "../decode/pool.js";
import type { ResolvedBackbone } from "../models/registry.js";
import { sha256Of } from "../models/sha256.js";
import { preparedNetwork } from "../quantise/network.js";
import type { Precision } from "../quantise/precision.js";
import type { RunContext } from "../run-context.js";
import type { Tile } from "../tiles/tile.js";
import { onnxRuntimeVersion } from "../versions.js";
import { chooseDevice, type Device, type DeviceChoice } from "./device.js";
import { type ExtractedFeatures, extractFeatures } from "./extract.js";
import { integerFormOn, precisionOn } from "./kernels.js";
import { openPipeline } from "./pipeline.js";
import { type PipelinePlan, planPipeline } from "./plan.js";
import { FeatureStore } from "./store.js";
import { extractToStore, type StoredFeatures } from "./stored.js";

export interface ExtractorOptions {
  backbone: ResolvedBackbone;
  /** Pixels per side the backbone is fed. */
  size: number;
  /** "int8" needs a card with ranges; "fp16" is floats on the CPU. @default "fp32" */
  precision?: Precision | undefined;
  /** @default "auto" */
  device?: DeviceChoice | undefined;
  /** Decode threads. @default one per core */
  workers?: number | undefined;
  decode?: Partial<Omit<DecodeOptions, "size">> | undefined;
  /** Elements of the dihedral group to extract. @default [0] */
  variants?: readonly number[] | undefined;
}

export interface Extractor {
  device: Device;
  plan: PipelinePlan;
  decode: Omit<DecodeOptions, "size">;
  /** Features of `tiles`: what the store has is read, the rest is decoded and kept there. Errors are those of extractFeatures. */
  extract(tiles: readonly Tile[], context: RunContext): Promise<ExtractedFeatures>;
  /**
   * The same for tiles whose features do not fit in memory: they stay in the store and can be read until the extractor
   * is closed.
   */
  extractToStore(tiles: readonly Tile[], context: RunContext): Promise<StoredFeatures>;
  close(): Promise<void>;
}

/** @throws ModelError for a backbone or device that cannot be used */
export async function openExtractor(options: ExtractorOptions, context: RunContext): Promise<Extractor> {
  const { card, bytes } = options.backbone;
  const device = await chooseDevice(options.device);
  const precision = precisionOn(device, options.precision ?? "fp32");
  const plan = planPipeline({ device, size: options.size, ...given("workers", options.workers) });
  const decode = { ...DECODE_DEFAULTS, ...options.decode };
  const model = await preparedNetwork(precision, bytes, card, options.size, integerFormOn(device));
  const numFeatures = card.features.count;
  const setup = { model, size: options.size, numFeatures, device, sessions: plan.sessions };
  const { backbone, pool } = await openPipeline(setup, plan.workers, context);
  const reading = readingIdentity({ ...decode, size: options.size }, device);
  const store = new FeatureStore({ network: sha256Of(model), numFeatures, ...reading }, context);
  const use = { pool, backbone, decode, store, ...plan, ...given("variants", options.variants) };
  return {
    device,
    plan,
    decode,
    extract: (tiles, during) => extractFeatures(tiles, use, during),
    extractToStore: (tiles, during) => extractToStore(tiles, use, during),
    close: async () => {
      await Promise.all([pool.close(), backbone.close()]);
      store.close();
    },
  };
}

/** What any network's results depend on beside the network and the tile. */
export function readingIdentity(decode: DecodeOptions, device: Device) {
  return {
    size: decode.size,
    colorspace: decode.colorspace,
    antialias: decode.antialias,
    maxPixels: decode.maxPixels,
    ...(decode.maxBytes !== DECODE_DEFAULTS.maxBytes && { maxBytes: decode.maxBytes }),
    onTruncated: decode.onTruncated,
    ...(decode.bands !== null && { bands: decode.bands.join() }),
    ...(decode.stretch !== null && { stretch: decode.stretch.join(";") }),
    decoder: decoderVersion(),
    runtime: `${device} ${onnxRuntimeVersion()}`,
  };
}

/** `{ [name]: value }` if there is a value: exactOptionalPropertyTypes distinguishes absent from undefined. */
function given<K extends string, V>(name: K, value: V | undefined): { [name in K]?: V } {
  return (value === undefined ? {} : { [name]: value }) as { [name in K]?: V };
}
