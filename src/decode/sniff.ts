/** The format of an image by its first bytes, never by its name. */

export type ImageFormat = "jpeg" | "png" | "webp" | "tiff" | "gif" | "heif";

/** The format of `bytes`, or undefined for anything canopy does not read (SVG and PDF on purpose: they are programs, not pictures). */
export function sniffFormat(bytes: Uint8Array): ImageFormat | undefined {
  // A file of one or two bytes may be the beginning of a JPEG: the decoder reports that it ends early.
  if (startsWith(bytes, [0xff, 0xd8, 0xff].slice(0, Math.max(1, bytes.length)))) return "jpeg";
  if (startsWith(bytes, [0x89, 0x50, 0x4e, 0x47])) return "png";
  if (ascii(bytes, 0) === "RIFF" && ascii(bytes, 8) === "WEBP") return "webp";
  if (isTiff(bytes)) return "tiff";
  if (ascii(bytes, 0) === "GIF8") return "gif";
  if (ascii(bytes, 4) === "ftyp") return "heif";
  return undefined;
}

/** Of a PNG: by the bit depth in its header (PNG, section 11.2.2). */
export function isPng16(bytes: Uint8Array): boolean {
  return bytes[24] === 16;
}

/** Classic TIFF (42) and BigTIFF (43), in both byte orders. */
function isTiff(bytes: Uint8Array): boolean {
  return [42, 43].some(
    (version) => startsWith(bytes, [0x49, 0x49, version, 0]) || startsWith(bytes, [0x4d, 0x4d, 0, version]),
  );
}

function startsWith(bytes: Uint8Array, magic: number[]): boolean {
  return magic.every((value, i) => bytes[i] === value);
}

function ascii(bytes: Uint8Array, from: number): string {
  return String.fromCharCode(...bytes.subarray(from, from + 4));
}
