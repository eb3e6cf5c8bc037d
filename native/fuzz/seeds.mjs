/** Writes seed files for the fuzzer into the folder given: small JPEGs of every kind the decoder knows, made on the spot. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import sharp from "sharp";

const folder = process.argv[2];
mkdirSync(folder, { recursive: true });

const ADOBE = [0xff, 0xee, 0, 14, 65, 100, 111, 98, 101, 0, 100, 0, 0, 0, 0];
let count = 0;

for (const [width, height] of [
  [24, 24],
  [9, 17],
  [80, 33],
]) {
  const color = picture(width, height, 3);
  for (const chromaSubsampling of ["4:4:4", "4:2:0"]) {
    for (const progressive of [false, true]) {
      await save(color.clone().jpeg({ quality: 70, chromaSubsampling, progressive }));
    }
  }
  await save(color.clone().toColourspace("b-w").jpeg());
  await save(color.clone().withIccProfile("srgb").jpeg({ quality: 30 }));
  const inks = await color.clone().toColourspace("cmyk").jpeg().toBuffer();
  write(inks);
  // The same without its Adobe marker, and marked as YCCK.
  const bare = withoutSegment(inks, 0xee);
  write(bare);
  write(Buffer.concat([bare.subarray(0, 2), Buffer.from([...ADOBE, 2]), bare.subarray(2)]));
}
await save(picture(4, 4, 3).png());

function picture(width, height, channels) {
  const pixels = Buffer.alloc(width * height * channels, 0);
  for (let i = 0; i < pixels.length; i++) pixels[i] = (i * 37 + ((i >> 5) * i) / 3) % 256;
  return sharp(pixels, { raw: { width, height, channels } });
}

async function save(image) {
  write(await image.toBuffer());
}

/** One file per choice of options: the fuzzer reads them from the first byte. */
function write(bytes) {
  for (const options of [0, 0x40, 0x80, 0x23]) {
    writeFileSync(join(folder, `seed${count++}`), Buffer.concat([Buffer.from([options]), bytes]));
  }
}

function withoutSegment(bytes, marker) {
  for (let at = 2; bytes[at + 1] !== 0xda; at += 2 + bytes.readUInt16BE(at + 2)) {
    if (bytes[at + 1] === marker) {
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 2 + bytes.readUInt16BE(at + 2))]);
    }
  }
  return bytes;
}
