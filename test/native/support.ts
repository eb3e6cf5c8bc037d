/** What the tests of the addon share: the addon, options, pictures, and surgery on JPEG bytes. */
import { loadAddon, type NativeAddon, type NativeDecodeOptions, type NativeFailure } from "../../src/addon.js";

/** `{ skip: reason }` where the addon is not built. */
export const NEEDS_ADDON: { skip?: string } = loadAddon() ? {} : { skip: "the native addon is not built" };

/** The addon; only for tests that NEEDS_ADDON lets run. */
export function addon(): NativeAddon {
  return loadAddon()!;
}

export const OPTIONS: NativeDecodeOptions = {
  size: 224,
  colorspace: "auto",
  antialias: true,
  maxPixels: 178_956_970,
  acceptTruncated: false,
};

/** Full-resolution RGB of a JPEG that must decode. */
export function decodeRgb(bytes: Uint8Array, options: Partial<NativeDecodeOptions> = {}): Uint8Array {
  const result = addon().decodeFull(bytes, { ...OPTIONS, ...options });
  if (!("pixels" in result)) throw new Error(`${result.code}: ${result.message}`);
  return result.pixels;
}

/** The failure of bytes that must not decode; the same from decodeFull and decodeBytes. */
export function failureOf(bytes: Uint8Array, options: Partial<NativeDecodeOptions> = {}): NativeFailure {
  const all = { ...OPTIONS, size: 8, ...options };
  const failure = addon().decodeBytes(bytes, new Uint8Array(all.size * all.size * 3), all);
  const full = addon().decodeFull(bytes, all);
  if (failure === undefined || "pixels" in full) throw new Error("Decoded, although it should not");
  if (full.code !== failure.code) throw new Error(`decodeBytes says ${failure.code}, decodeFull ${full.code}`);
  return failure;
}

/** Smooth pseudo-random pixels `[height, width, channels]`: sums of waves, the whole range of values in every channel. */
export function waves(width: number, height: number, channels: number, seed = 1): Uint8Array {
  const pixels = new Uint8Array(width * height * channels);
  for (let c = 0; c < channels; c++) {
    const a = 0.05 + (((seed * 7 + c * 13) % 17) / 17) * 0.3;
    const b = 0.04 + (((seed * 5 + c * 11) % 19) / 19) * 0.3;
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const value = Math.sin(x * a + seed) + Math.sin(y * b + c) + Math.sin((x + y) * 0.07 * (c + 1));
        pixels[(y * width + x) * channels + c] = Math.round(127.5 + value * 42);
      }
    }
  }
  return pixels;
}

/** Pseudo-random bytes without any smoothness. */
export function noise(length: number, seed = 1): Uint8Array {
  const bytes = new Uint8Array(length);
  let state = seed >>> 0;
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    bytes[i] = state >>> 24;
  }
  return bytes;
}

/** A header segment of a JPEG: `marker` is its second byte; `start` is where 0xFF stands, `end` behind its last byte. */
export interface Segment {
  marker: number;
  start: number;
  end: number;
}

/** The segments from behind SOI up to and with SOS. */
export function segments(bytes: Uint8Array): Segment[] {
  const found: Segment[] = [];
  for (let at = 2; at < bytes.length; ) {
    const marker = bytes[at + 1];
    const end = at + 2 + bytes[at + 2] * 256 + bytes[at + 3];
    found.push({ marker, start: at, end });
    if (marker === 0xda) break;
    at = end;
  }
  return found;
}

/** The same JPEG without its APPn segments. */
export function withoutMarkers(bytes: Uint8Array): Uint8Array {
  const kept = segments(bytes).filter(({ marker }) => marker < 0xe0 || marker > 0xef);
  const rest = bytes.subarray(kept.at(-1)!.end);
  return Buffer.concat([bytes.subarray(0, 2), ...kept.map(({ start, end }) => bytes.subarray(start, end)), rest]);
}

/** The same JPEG with an Adobe marker behind SOI. */
export function withAdobe(bytes: Uint8Array, transform: number): Uint8Array {
  return withSegment(bytes, [0xff, 0xee, 0, 14, 65, 100, 111, 98, 101, 0, 100, 0, 0, 0, 0, transform]);
}

/** The same JPEG with a JFIF marker behind SOI. */
export function withJfif(bytes: Uint8Array): Uint8Array {
  return withSegment(bytes, [0xff, 0xe0, 0, 16, 74, 70, 73, 70, 0, 1, 1, 0, 0, 1, 0, 1, 0, 0]);
}

function withSegment(bytes: Uint8Array, segment: number[]): Uint8Array {
  return Buffer.concat([bytes.subarray(0, 2), Buffer.from(segment), bytes.subarray(2)]);
}

/** The same JPEG with other component ids. */
export function withComponentIds(bytes: Uint8Array, ids: number[]): Uint8Array {
  const copy = Uint8Array.from(bytes);
  for (const { marker, start } of segments(bytes)) {
    if (marker >= 0xc0 && marker <= 0xc2) for (const [i, id] of ids.entries()) copy[start + 10 + i * 3] = id;
    if (marker === 0xda) for (const [i, id] of ids.entries()) copy[start + 5 + i * 2] = id;
  }
  return copy;
}

/** The same JPEG claiming other dimensions. */
export function withDimensions(bytes: Uint8Array, width: number, height: number): Uint8Array {
  const copy = Uint8Array.from(bytes);
  const frame = segments(bytes).find(({ marker }) => marker >= 0xc0 && marker <= 0xc2)!;
  copy.set([height >> 8, height & 255, width >> 8, width & 255], frame.start + 5);
  return copy;
}

/** Largest and mean absolute difference. */
export function difference(a: ArrayLike<number>, b: ArrayLike<number>): { max: number; mean: number } {
  if (a.length !== b.length) throw new Error(`Different lengths: ${a.length} and ${b.length}`);
  let max = 0;
  let sum = 0;
  for (let i = 0; i < a.length; i++) {
    const d = Math.abs(a[i] - b[i]);
    if (d > max) max = d;
    sum += d;
  }
  return { max, mean: sum / a.length };
}
