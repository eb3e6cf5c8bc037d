/** Files of very many pictures in few bytes. */

/** An animated WebP of `count` frames that are all `still`, a WebP of `side` x `side`. */
export function manyWebpFrames(still: Buffer, side: number, count: number): Buffer {
  const size = Buffer.alloc(3);
  size.writeUIntLE(side - 1, 0, 3);
  const head = chunk("VP8X", Buffer.of(2, 0, 0, 0), size, size);
  const frame = chunk("ANMF", Buffer.alloc(6), size, size, Buffer.of(9, 0, 0, 0), still.subarray(12));
  const frames = Buffer.alloc(count * frame.length, frame);
  return chunk("RIFF", Buffer.from("WEBP"), head, chunk("ANIM", Buffer.alloc(6)), frames);
}

function chunk(name: string, ...parts: Uint8Array[]): Buffer {
  const content = Buffer.concat(parts);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(content.length);
  return Buffer.concat([Buffer.from(name), length, content, Buffer.alloc(content.length % 2)]);
}

/** `tiff`, little-endian and of one directory, with `count` directories in its place that are all like it. */
export function manyDirectories(tiff: Buffer, count: number): Buffer {
  const at = tiff.readUInt32LE(4);
  const bytes = 2 + 12 * tiff.readUInt16LE(at) + 4;
  const directories = Buffer.alloc(count * bytes, tiff.subarray(at, at + bytes));
  for (let i = 1; i <= count; i++) {
    directories.writeUInt32LE(i < count ? tiff.length + i * bytes : 0, i * bytes - 4);
  }
  const file = Buffer.concat([tiff, directories]);
  file.writeUInt32LE(tiff.length, 4);
  return file;
}
