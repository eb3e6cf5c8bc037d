/** LERC blocks, by Esri's own decoder. */
import Lerc from "lerc";
import { RasterError } from "./raster.js";

/** Bytes of the samples of a block, `[rows, width, samples]`; samples that a mask leaves out are NaN, or 0 if they cannot be. */
export function decodeLerc(data: Uint8Array, mostPixels: number): Uint8Array {
  checkSize(data, mostPixels);
  const { pixels, dimCount, mask } = Lerc.decode(Uint8Array.from(data).buffer, { returnPixelInterleavedDims: true });
  const samples = pixels[0];
  if (mask && (samples instanceof Float32Array || samples instanceof Float64Array)) {
    for (const [i, counts] of mask.entries()) if (!counts) samples.fill(Number.NaN, i * dimCount, (i + 1) * dimCount);
  }
  return new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength);
}

/** The decoder allocates what the header says, so that must not be more than the block has. */
function checkSize(data: Uint8Array, mostPixels: number): void {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const isVersion2 = Buffer.from(data.subarray(0, 6)).toString("latin1") === "Lerc2 ";
  if (!isVersion2 || data.length < 26) throw new RasterError("CORRUPT", "Image cannot be decoded (LERC: no header)");
  const version = view.getInt32(6, true);
  const at = version >= 3 ? 14 : 10;
  const samples =
    view.getUint32(at, true) * view.getUint32(at + 4, true) * (version >= 4 ? view.getUint32(at + 8, true) : 1);
  if (samples > mostPixels)
    throw new RasterError("CORRUPT", "Image cannot be decoded (LERC: another size than its block)");
}
