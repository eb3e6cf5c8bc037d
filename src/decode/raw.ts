/** Turns pixels, of a caller or decoded by sharp, into RGB of the target size. */
import type { NativeAddon } from "../addon.js";
import type { RawTile } from "../tiles/tile.js";
import { chooseChannels } from "./channels.js";
import type { DecodeOptions, DecodeOutcome } from "./decoder.js";

/** Resizes an RGB image into a target; `resizeRgb` of the addon or of resize.ts. */
export type Resize = NativeAddon["resizeRgb"];

/** Resizes a tile of pixels into `target` `[size, size, 3]`. */
export function decodeRaw(tile: RawTile, target: Uint8Array, options: DecodeOptions, resize: Resize): DecodeOutcome {
  const { pixels, width, height, channels } = tile;
  if (width * height > options.maxPixels) {
    const message = `Image of ${width}x${height} exceeds the limit of ${options.maxPixels} pixels`;
    return { code: "LIMIT", message };
  }
  resize(takeThreeBands(pixels, channels), width, height, target, options.size, options.antialias);
  return chooseChannels(target, options);
}

/** `[pixels, channels]` to `[pixels, 3]`: one or two channels are gray (and alpha), of more the first three are RGB. */
export function takeThreeBands(data: Uint8Array, channels: number): Uint8Array {
  if (channels === 3) return data;
  const count = data.length / channels;
  const pixels = new Uint8Array(count * 3);
  const second = channels < 3 ? 0 : 1;
  const third = channels < 3 ? 0 : 2;
  for (let i = 0, from = 0, to = 0; i < count; i++, from += channels, to += 3) {
    pixels[to] = data[from];
    pixels[to + 1] = data[from + second];
    pixels[to + 2] = data[from + third];
  }
  return pixels;
}
