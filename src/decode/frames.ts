/** How many pictures a file holds: libvips looks for each of them before it decodes the first. */

/** Those of an animated WebP or a TIFF, as far as its structure is sound, but not more than `most`. */
export function countFrames(bytes: Uint8Array, format: "webp" | "tiff", most: number): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return (format === "webp" ? countWebp : countTiff)(view, most);
}

/** Chunks of eight bytes and their content, padded to an even length. */
function countWebp(view: DataView, most: number): number {
  const frame = 0x414e4d46; // "ANMF"
  let count = 0;
  for (let at = 12; at + 8 <= view.byteLength && count < most; ) {
    if (view.getUint32(at) === frame) count++;
    const length = view.getUint32(at + 4, true);
    at += 8 + length + (length % 2);
  }
  return count;
}

/** Each directory names the place of the next one; 0 ends the chain. */
function countTiff(view: DataView, most: number): number {
  const isLittle = view.getUint8(0) === 0x49;
  const isBig = view.byteLength >= 16 && view.getUint16(2, isLittle) === 43;
  const [entryBytes, placeBytes] = isBig ? [20, 8] : [12, 4];
  const placeAt = (at: number) => (isBig ? Number(view.getBigUint64(at, isLittle)) : view.getUint32(at, isLittle));
  let count = 0;
  let at = view.byteLength < 8 ? 0 : placeAt(isBig ? 8 : 4);
  while (at > 0 && at + placeBytes <= view.byteLength && count < most) {
    count++;
    const entries = isBig ? Number(view.getBigUint64(at, isLittle)) : view.getUint16(at, isLittle);
    const next = at + (isBig ? 8 : 2) + entries * entryBytes;
    at = next + placeBytes <= view.byteLength ? placeAt(next) : 0;
  }
  return count;
}
