/** Whether a file has its end: distinguishes a file that was cut off from a damaged one. */
import type { ImageFormat } from "./sniff.js";

/** False if the data of `bytes` end before the format says that they do. Formats that do not say count as whole. */
export function isWhole(bytes: Uint8Array, format: ImageFormat): boolean {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (format === "jpeg") return file.lastIndexOf("\xff\xd9", undefined, "latin1") >= 0;
  if (format === "png") return file.lastIndexOf("IEND", undefined, "latin1") >= 0;
  if (format === "gif") return file.lastIndexOf(0x3b) >= Math.max(0, file.length - 16);
  if (format === "webp") return file.length >= 12 && file.readUInt32LE(4) + 8 <= file.length;
  return format !== "heif" || boxesEnd(file);
}

/** ISO base media files are boxes one after the other, each with its length. */
function boxesEnd(file: Buffer): boolean {
  let at = 0;
  while (at + 8 <= file.length) {
    const size = file.readUInt32BE(at);
    if (size === 0) return true;
    const long = size === 1;
    if (long && at + 16 > file.length) return false;
    const bytes = long ? Number(file.readBigUInt64BE(at + 8)) : size;
    if (bytes < 8) return true;
    at += bytes;
  }
  return at === file.length;
}
