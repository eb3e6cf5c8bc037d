/** What the first bytes of a file say against reading the rest of it: that it is no picture, or too large a one. */
import { DECODE_DEFAULTS, type DecodeFailure, type PictureOptions } from "./decoder.js";
import { describeForeign } from "./foreign.js";
import { mostSharpJpegPixels, mostSharpPixels } from "./memory.js";
import { type ImageFormat, isPng16, sniffFormat } from "./sniff.js";

/** Why a file that begins with `head` cannot be read; undefined if that is only known when it is decoded. */
export function refuseHead(head: Uint8Array, asked: PictureOptions): DecodeFailure | undefined {
  const format = sniffFormat(head);
  if (format === undefined) return { code: "FORMAT", message: describeForeign(head) };
  const most = mostPixels(asked, head, format);
  return pixelsOf(head, format) > most ? tooManyPixels(most) : undefined;
}

/** Pixels of a picture in `bytes`, or of one that begins with them: a longer file leaves no more memory for them. */
export function mostPixels(asked: PictureOptions, bytes: Uint8Array, format: ImageFormat): number {
  if (format === "jpeg") return mostSharpJpegPixels(asked, bytes.length);
  const most = mostSharpPixels(asked, bytes.length);
  // Samples of 16 bits take twice the memory.
  const { maxBytes } = asked;
  return format === "png" && isPng16(bytes) && maxBytes !== undefined && maxBytes < DECODE_DEFAULTS.maxBytes
    ? Math.max(1, most >> 1)
    : most;
}

export function tooManyPixels(most: number): DecodeFailure {
  return {
    code: "LIMIT",
    message: `Image exceeds the limit of ${most} pixels (\`maxPixels\`, or what \`memory\` leaves)`,
  };
}

/** 0 where the size has no fixed place in the file, or its reader is told the limit anyway. */
function pixelsOf(head: Uint8Array, format: ImageFormat): number {
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  if (view.byteLength < 30) return 0;
  if (format === "png") return view.getUint32(16) * view.getUint32(20);
  if (format === "gif") return view.getUint16(6, true) * view.getUint16(8, true);
  return format === "webp" ? webpPixels(view) : 0;
}

/** By the first chunk: extended, lossless, or lossy (RFC 9649, sections 2.7, 3.4 and 2.5). */
function webpPixels(view: DataView): number {
  const chunk = String.fromCharCode(...new Uint8Array(view.buffer, view.byteOffset + 12, 4));
  const side = (at: number) => (view.getUint32(at, true) & 0xffffff) + 1;
  if (chunk === "VP8X") return side(24) * ((view.getUint32(26, true) >>> 8) + 1);
  const bits = view.getUint32(21, true);
  if (chunk === "VP8L") return ((bits & 0x3fff) + 1) * (((bits >>> 14) & 0x3fff) + 1);
  return (view.getUint16(26, true) & 0x3fff) * (view.getUint16(28, true) & 0x3fff);
}
