/** NativeDecoder: JPEG through the addon; what the addon calls FOREIGN goes to sharp. */
import type { NativeAddon, NativeDecodeOptions, NativeFailure, NativeTile } from "../addon.js";
import { readTileBytes } from "./bytes.js";
import { chooseChannels } from "./channels.js";
import { type DecodeOptions, type DecodeOutcome, type DecodeSource, isFailure, isFile } from "./decoder.js";
import { mostJpegPixels } from "./memory.js";
import { decodeRaw } from "./raw.js";

/**
 * Decodes `sources[i]` into `target[i * size * size * 3 ...]`. `onForeign(source, slice)` is called for each that is
 * not JPEG.
 * @returns undefined if all went well, else one outcome per source.
 */
export async function decodeWithAddon(
  addon: NativeAddon,
  sources: readonly DecodeSource[],
  target: Uint8Array,
  options: DecodeOptions,
  onForeign: (source: DecodeSource, target: Uint8Array) => Promise<DecodeOutcome>,
): Promise<DecodeOutcome[] | undefined> {
  const stride = options.size * options.size * 3;
  const place = (i: number): Uint8Array => target.subarray(i * stride, (i + 1) * stride);
  const failures = sources.every(isPlainFile)
    ? addon.decodeFiles(sources, target, nativeOptions(options))
    : sources.map((source, i) => decodeOne(addon, source, place(i), options));
  const chooses = (options.bands ?? options.stretch) !== null;
  if (failures === undefined && !chooses) return undefined;
  const outcomes: DecodeOutcome[] = new Array(sources.length).fill(undefined);
  for (const [i, source] of sources.entries()) {
    const failure = failures?.[i];
    if (failure === undefined) {
      if (chooses && !("pixels" in source)) outcomes[i] = chooseChannels(place(i), options);
      continue;
    }
    outcomes[i] =
      failure.code === "FOREIGN" ? await onForeign(source, place(i)) : { code: failure.code, message: failure.message };
  }
  return outcomes.some((outcome) => outcome !== undefined) ? outcomes : undefined;
}

function decodeOne(
  addon: NativeAddon,
  source: DecodeSource,
  target: Uint8Array,
  options: DecodeOptions,
): NativeFailure | DecodeOutcome {
  if ("pixels" in source) return decodeRaw(source, target, options, addon.resizeRgb);
  if ("bytes" in source) return addon.decodeBytes(source.bytes, target, nativeOptions(options));
  if (!isPlainFile(source)) {
    const bytes = readTileBytes(source);
    return isFailure(bytes) ? bytes : addon.decodeBytes(bytes, target, nativeOptions(options));
  }
  return addon.decodeFiles([source], target, nativeOptions(options))?.[0];
}

/** What the addon reads itself. */
function isPlainFile(source: DecodeSource): source is NativeTile {
  return isFile(source) && source.inflatedLength === undefined;
}

export function nativeOptions(options: DecodeOptions): NativeDecodeOptions {
  const { size, colorspace, antialias, onTruncated } = options;
  return { size, colorspace, antialias, maxPixels: mostJpegPixels(options), acceptTruncated: onTruncated === "accept" };
}
