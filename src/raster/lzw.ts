/** LZW as TIFF has it: codes of 9 to 12 bits, most significant first, one wider a code early (TIFF 6.0, section 13). */
import { RasterError } from "./raster.js";

const CLEAR = 256;
const END = 257;
const FIRST = 258;
const MOST = 4096;

/** Decodes at most `length` bytes; fewer if the data end early. */
export function decodeLzw(data: Uint8Array, length: number): Uint8Array {
  // Files of 1990 and before have the least significant bit first; their clear code at the beginning shows it.
  if (data[0] === 0 && (data[1] & 1) === 1)
    throw new RasterError("FORMAT", "LZW of the kind before TIFF 5 is not read");
  const out = new Uint8Array(length);
  // For each code: where its bytes were last written, and their number.
  const starts = new Uint32Array(MOST + 1);
  const lengths = new Uint32Array(MOST + 1);
  let [next, width, previous, done] = [FIRST, 9, -1, 0];
  let [bits, bitCount, at] = [0, 0, 0];
  while (done < length) {
    while (bitCount < width) {
      if (at === data.length) return out.subarray(0, done);
      bits = ((bits << 8) | data[at++]) & 0xffffff;
      bitCount += 8;
    }
    bitCount -= width;
    const code = (bits >>> bitCount) & ((1 << width) - 1);
    if (code === END) break;
    if (code === CLEAR) {
      [next, width, previous] = [FIRST, 9, -1];
      continue;
    }
    if (code > next || (code === next && previous < 0) || (previous < 0 && code > END)) throw broken();
    const begin = done;
    if (code < CLEAR) out[done++] = code;
    else {
      // The code that is being defined is the previous one and its own first byte.
      const from = code === next ? begin - lengthOf(previous, lengths) : starts[code];
      const end = from + (code === next ? lengthOf(previous, lengths) + 1 : lengths[code]);
      for (let i = from; i < end && done < length; i++) out[done++] = out[i];
    }
    if (previous >= 0 && next < MOST) {
      starts[next] = begin - lengthOf(previous, lengths);
      lengths[next] = lengthOf(previous, lengths) + 1;
      next++;
    }
    previous = code;
    if (next + 1 >= 1 << width && width < 12) width++;
  }
  return out.subarray(0, done);
}

function lengthOf(code: number, lengths: Uint32Array): number {
  return code < CLEAR ? 1 : lengths[code];
}

function broken(): RasterError {
  return new RasterError("CORRUPT", "Image cannot be decoded (a code of its LZW data stands for nothing)");
}
