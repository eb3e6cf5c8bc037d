/** NativeDecoder: JPEG through the addon; what the addon calls FOREIGN goes on to sharp. */
import type { NativeAddon, NativeDecodeOptions, NativeTile } from "../addon.js";
import type { DecodeOptions, DecodeOutcome } from "./decoder.js";
import { mostJpegPixels } from "./memory.js";

/**
 * Decodes `tiles[i]` into `target[i * size * size * 3 ...]`. `onForeign(i, slice)` is asked for every tile that is not JPEG.
 * @returns undefined if all went well, else one outcome per tile.
 */
export async function decodeWithAddon(
  addon: NativeAddon,
  tiles: readonly NativeTile[],
  target: Uint8Array,
  options: DecodeOptions,
  onForeign: (tile: NativeTile, target: Uint8Array) => Promise<DecodeOutcome>,
): Promise<DecodeOutcome[] | undefined> {
  const failures = addon.decodeFiles(tiles, target, nativeOptions(options));
  if (failures === undefined) return undefined;
  const stride = options.size * options.size * 3;
  const outcomes: DecodeOutcome[] = new Array(tiles.length).fill(undefined);
  for (const [i, failure] of failures.entries()) {
    if (failure === undefined) continue;
    outcomes[i] =
      failure.code === "FOREIGN"
        ? await onForeign(tiles[i], target.subarray(i * stride, (i + 1) * stride))
        : { code: failure.code, message: failure.message };
  }
  return outcomes.some((outcome) => outcome !== undefined) ? outcomes : undefined;
}

export function nativeOptions(options: DecodeOptions): NativeDecodeOptions {
  const { size, colorspace, antialias, onTruncated } = options;
  return { size, colorspace, antialias, maxPixels: mostJpegPixels(options), acceptTruncated: onTruncated === "accept" };
}
