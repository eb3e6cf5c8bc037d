/** NativeDecoder: JPEG through the addon; what the addon calls FOREIGN goes to sharp. */
import type { NativeAddon, NativeDecodeOptions, NativeFailure, NativeTile } from "../addon.js";
import { readTileBytes } from "./bytes.js";
import { chooseChannels } from "./channels.js";
import { type DecodeOptions, type DecodeOutcome, type DecodeSource, isFailure, isFile } from "./decoder.js";
import { mostJpegPixels } from "./memory.js";
import { decodeRaw, type Resize } from "./raw.js";
import { resizeWithin, type Window, windowsToFloats } from "./window.js";

/**
 * Decodes `sources[i]`, or what `windows[i]` leaves of it, into `target[i * size * size * 3 ...]`.
 * `onForeign(source, slice, i)` is called for each that is not JPEG.
 * @returns undefined if all went well, else one outcome per source.
 */
export async function decodeWithAddon(
  addon: NativeAddon,
  sources: readonly DecodeSource[],
  target: Uint8Array,
  options: DecodeOptions,
  onForeign: (source: DecodeSource, target: Uint8Array, i: number) => Promise<DecodeOutcome>,
  windows?: readonly Window[],
): Promise<DecodeOutcome[] | undefined> {
  const stride = options.size * options.size * 3;
  const place = (i: number): Uint8Array => target.subarray(i * stride, (i + 1) * stride);
  const failures = sources.every(isPlainFile)
    ? addon.decodeFiles(sources, target, nativeOptions(options), windows && windowsToFloats(windows))
    : sources.map((source, i) => decodeOne(addon, source, place(i), options, windows?.[i]));
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
      failure.code === "FOREIGN"
        ? await onForeign(source, place(i), i)
        : { code: failure.code, message: failure.message };
  }
  return outcomes.some((outcome) => outcome !== undefined) ? outcomes : undefined;
}

function decodeOne(
  addon: NativeAddon,
  source: DecodeSource,
  target: Uint8Array,
  options: DecodeOptions,
  window: Window | undefined,
): NativeFailure | DecodeOutcome {
  const decodeBytes = (bytes: Uint8Array) =>
    addon.decodeBytes(bytes, target, nativeOptions(options), window && windowsToFloats([window]));
  if ("pixels" in source) return decodeRaw(source, target, options, resizing(addon, window));
  if ("bytes" in source) return decodeBytes(source.bytes);
  if (!isPlainFile(source)) {
    const bytes = readTileBytes(source);
    return isFailure(bytes) ? bytes : decodeBytes(bytes);
  }
  return addon.decodeFiles([source], target, nativeOptions(options), window && windowsToFloats([window]))?.[0];
}

function resizing(addon: NativeAddon, window: Window | undefined): Resize {
  return window === undefined ? addon.resizeRgb : resizeWithin(window, addon.resizeRgb);
}

/** What the addon reads itself. */
function isPlainFile(source: DecodeSource): source is NativeTile {
  return isFile(source) && source.inflatedLength === undefined;
}

export function nativeOptions(options: DecodeOptions): NativeDecodeOptions {
  const { size, colorspace, antialias, onTruncated } = options;
  return { size, colorspace, antialias, maxPixels: mostJpegPixels(options), acceptTruncated: onTruncated === "accept" };
}
