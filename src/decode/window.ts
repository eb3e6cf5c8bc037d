/** Windows: the part of a picture that is resized. */
import type { Resize } from "./raw.js";

/** The rule is that of Window in native/resize.h. */
export interface Window {
  /** Where it lies among the places where it can lie, 0 to 1. */
  left: number;
  top: number;
  /** Its sides as shares of the picture's, above 0 and up to 1. */
  width: number;
  height: number;
}

/** Resizes what `window` leaves of a picture. */
export function resizeWithin(window: Window, resize: Resize): Resize {
  return (pixels, width, height, target, size, antialias) => {
    const across = extentOf(width, window.left, window.width);
    const down = extentOf(height, window.top, window.height);
    const part = new Uint8Array(across.length * down.length * 3);
    for (let y = 0; y < down.length; y++) {
      const from = ((down.from + y) * width + across.from) * 3;
      part.set(pixels.subarray(from, from + across.length * 3), y * across.length * 3);
    }
    resize(part, across.length, down.length, target, size, antialias);
  };
}

/** `[windows, 4]` as the addon takes them. */
export function windowsToFloats(windows: readonly Window[]): Float64Array {
  return Float64Array.from(windows.flatMap(({ left, top, width, height }) => [left, top, width, height]));
}

function extentOf(whole: number, place: number, share: number): { from: number; length: number } {
  const length = Math.min(Math.max(Math.round(share * whole), 1), whole);
  return { from: Math.min(Math.floor(place * (whole - length + 1)), whole - length), length };
}
