/** zstd frames (RFC 8878) without compression, for tests. */

const MAGIC = Buffer.from([0x28, 0xb5, 0x2f, 0xfd]);

/** A window of 128 KiB, or of 2 to the power of `log` bytes. */
function header(log = 17, hasChecksum = false): Buffer {
  return Buffer.concat([MAGIC, Buffer.from([hasChecksum ? 4 : 0, (log - 10) << 3])]);
}

function block(type: 0 | 1, length: number, bytes: Uint8Array, isLast: boolean): Buffer {
  const head = Buffer.alloc(3);
  head.writeUIntLE((length << 3) | (type << 1) | Number(isLast), 0, 3);
  return Buffer.concat([head, bytes]);
}

/** A frame of `data`, in blocks of at most `blockBytes`. `checksum`: the lower 32 bits of its XXH64, little-endian in hexadecimal. */
export function zstd(data: Buffer, { blockBytes = 1000, log = 17, checksum = "" } = {}): Buffer {
  const blocks: Buffer[] = [];
  for (let from = 0; from < data.length; from += blockBytes) {
    const bytes = data.subarray(from, from + blockBytes);
    blocks.push(block(0, bytes.length, bytes, from + blockBytes >= data.length));
  }
  return Buffer.concat([header(log, checksum !== ""), ...blocks, Buffer.from(checksum, "hex")]);
}

/** A frame of `count` times 128 KiB of zeros, in four bytes each. */
export function zstdZeros(count: number): Buffer {
  const run = block(1, 128 << 10, Buffer.from([0]), false);
  return Buffer.concat([
    header(),
    ...new Array<Buffer>(count - 1).fill(run),
    block(1, 128 << 10, Buffer.from([0]), true),
  ]);
}

/** A frame that readers pass over. */
export const SKIPPED = Buffer.from([0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3]);
