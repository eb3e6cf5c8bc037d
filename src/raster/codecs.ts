/** Decompresses blocks of a TIFF. No result is larger than the block may be. */
import { inflateSync, constants as zlib } from "node:zlib";
import { decompress as decompressZstd } from "fzstd";
import type { Layout } from "./directory.js";
import { decodeLerc } from "./lerc.js";
import { decodeLzw } from "./lzw.js";
import { nameCompression } from "./names.js";
import { RasterError } from "./raster.js";

type Codec = (data: Uint8Array, length: number, layout: Layout) => Uint8Array;

const LERC = 34887;

const inflate: Codec = (data, length) =>
  // Missing bytes at the end show in the length; too many bytes are an error.
  inflateSync(data, { maxOutputLength: Math.max(1, length), finishFlush: zlib.Z_SYNC_FLUSH });

// With a given target it cannot write beyond that.
const unzstd: Codec = (data, length) =>
  decompressZstd(data, new Uint8Array(Math.min(length, zstdContentBytes(data) ?? length)));

const CODECS: Readonly<Record<number, Codec>> = {
  1: (data) => data,
  5: decodeLzw,
  8: inflate,
  32946: inflate,
  32773: decodePackBits,
  50000: unzstd,
  [LERC]: decodeLercBlock,
};

export function isReadable({ compression }: Pick<Layout, "compression">): boolean {
  return CODECS[compression] !== undefined;
}

/** A block's bytes; `length` of them, or fewer if its data end early. @throws RasterError */
export function decompress(data: Uint8Array, length: number, layout: Layout): Uint8Array {
  const codec = CODECS[layout.compression];
  try {
    return codec(layout.reversedBits ? data.map(reverseBits) : data, length, layout);
  } catch (error) {
    if (error instanceof RasterError) throw error;
    const reason = `${nameCompression(layout.compression)}: ${error instanceof Error ? error.message : String(error)}`;
    throw new RasterError("CORRUPT", `Image cannot be decoded (${reason})`, { cause: error });
  }
}

/** The content size in a frame's header (RFC 8878, section 3.1.1.1); undefined if there is none. */
function zstdContentBytes(data: Uint8Array): number | undefined {
  const descriptor = data[4];
  const single = (descriptor >> 5) & 1;
  const at = 5 + (single ? 0 : 1) + [0, 1, 2, 4][descriptor & 3];
  const bytes = [single, 2, 4, 8][descriptor >> 6];
  let content = bytes === 2 ? 256 : 0;
  for (let i = 0; i < bytes; i++) content += (data[at + i] ?? 0) * 256 ** i;
  return bytes === 0 ? undefined : content;
}

/** Apple's run lengths (TIFF 6.0, section 9). */
function decodePackBits(data: Uint8Array, length: number): Uint8Array {
  const out = new Uint8Array(length);
  let done = 0;
  for (let at = 0; at < data.length && done < length; ) {
    const count = data[at++];
    if (count === 128) continue;
    const stored = count < 128 ? count + 1 : 1;
    if (at + stored > data.length) break;
    const run = Math.min(count < 128 ? stored : 257 - count, length - done);
    if (count < 128) out.set(data.subarray(at, at + run), done);
    else out.fill(data[at], done, done + run);
    at += stored;
    done += run;
  }
  return out.subarray(0, done);
}

function decodeLercBlock(data: Uint8Array, length: number, layout: Layout): Uint8Array {
  const { lercCompression, bits } = layout;
  // A block that does not compress is a little longer than its samples.
  const most = 2 * length + 4096;
  const plain = lercCompression === 1 ? inflate(data, most, layout) : data;
  const samples = (length * 8) / bits;
  return decodeLerc(lercCompression === 2 ? unzstd(data, most, layout) : plain, samples);
}

function reverseBits(byte: number): number {
  let reversed = 0;
  for (let bit = 0; bit < 8; bit++) reversed |= ((byte >> bit) & 1) << (7 - bit);
  return reversed;
}
