/** Hostile pictures. */
import { spawnSync } from "node:child_process";
import { symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { crc32, deflateSync } from "node:zlib";
import sharp from "sharp";
import { gradient } from "../images.js";
import { manyDirectories, manyWebpFrames } from "../many-frames.js";
import { writeTiff } from "../raster/write-tiff.js";
import type { Attack, Command, Given } from "./attack.js";

/** The largest side of a picture that is no JPEG. */
const SIDE = 5792;

const inspect = ({ folder }: Given, files: Record<string, Uint8Array>): Command => {
  for (const [name, bytes] of Object.entries(files)) writeFileSync(join(folder, name), bytes);
  return { args: ["inspect", ...Object.keys(files).map((name) => join(folder, name)), "--workers", "1", "--json"] };
};

const plain = (side: number) =>
  sharp({ create: { width: side, height: side, channels: 3, background: { r: 9, g: 99, b: 199 } } });

/** One small picture of each format, that says it has 16,383 x 16,383 pixels. */
async function liars(): Promise<Record<string, Uint8Array>> {
  const side = 16_383;
  const small = sharp(gradient(32, 3), { raw: { width: 32, height: 32, channels: 3 } });
  const png = await small.clone().png().toBuffer();
  png.writeUInt32BE(side, 16);
  png.writeUInt32BE(side, 20);
  png.writeUInt32BE(crc32(png.subarray(12, 29)), 29);
  const webp = await small.clone().webp({ quality: 50 }).toBuffer();
  webp.writeUInt16LE(side, 26);
  webp.writeUInt16LE(side, 28);
  const avif = await small.clone().avif({ effort: 0 }).toBuffer();
  const size = avif.indexOf("ispe") + 8;
  avif.writeUInt32BE(side, size);
  avif.writeUInt32BE(side, size + 4);
  const jpeg = await small.clone().jpeg().toBuffer();
  const frame = jpeg.indexOf(Buffer.from([0xff, 0xc0]));
  jpeg.writeUInt16BE(side, frame + 5);
  jpeg.writeUInt16BE(side, frame + 7);
  const tiff = writeTiff({ width: 8, height: 8, bands: 3, type: "uint16", at: () => 1 });
  for (const tag of [256, 257]) tiff.writeUInt32LE(side, findTag(tiff, tag) + 8);
  return { "a.png": png, "b.webp": webp, "c.avif": avif, "d.jpg": jpeg, "e.tif": tiff };
}

function findTag(tiff: Buffer, tag: number): number {
  const directory = tiff.readUInt32LE(4);
  const at = Array.from({ length: tiff.readUInt16LE(directory) }, (_, i) => directory + 2 + 12 * i);
  return at.find((entry) => tiff.readUInt16LE(entry) === tag) as number;
}

/** A GIF of a million frames of one pixel. */
async function manyFrames(): Promise<Buffer> {
  const whole = await plain(64).gif().toBuffer();
  const frame = Buffer.from([0x2c, 0, 0, 0, 0, 1, 0, 1, 0, 0, 2, 2, 0x44, 1, 0]);
  const end = Buffer.from([0x3b]);
  return Buffer.concat([whole.subarray(0, -1), Buffer.alloc(3_000_000 * frame.length, frame), end]);
}

/** An animated PNG: each of 1,000 frames is 2,000 x 2,000. */
function animated(): Buffer {
  const side = 2000;
  const data = deflateSync(Buffer.alloc((side * 3 + 1) * side), { level: 9 });
  const numbers = (...values: number[]) => Buffer.concat(values.map((value) => Buffer.of(0, 0, value >> 8, value)));
  const chunk = (name: string, ...parts: Uint8Array[]) => {
    const content = Buffer.concat([Buffer.from(name), ...parts]);
    const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
    length.writeUInt32BE(content.length - 4);
    sum.writeUInt32BE(crc32(content));
    return Buffer.concat([length, content, sum]);
  };
  const control = (i: number) => chunk("fcTL", numbers(i), numbers(side, side, 0, 0), Buffer.of(0, 1, 0, 10, 0, 0));
  const frames = Array.from({ length: 999 }, (_, i) => [
    control(2 * i + 1),
    chunk("fdAT", numbers(2 * i + 2), data),
  ]).flat();
  const head = chunk("IHDR", numbers(side, side), Buffer.of(8, 2, 0, 0, 0));
  const first = [chunk("acTL", numbers(1000, 0)), control(0), chunk("IDAT", data)];
  return Buffer.concat([Buffer.from("\x89PNG\r\n\x1a\n", "latin1"), head, ...first, ...frames, chunk("IEND")]);
}

/** Pictures of 256 x 256 in 200,000 directories of a TIFF, and in 100,000 frames of a WebP. */
async function manyPictures(): Promise<Record<string, Uint8Array>> {
  const still = await plain(256).webp({ lossless: true, effort: 0 }).toBuffer();
  const tiff = await plain(256).tiff({ compression: "jpeg" }).toBuffer();
  return { "a.webp": manyWebpFrames(still, 256, 100_000), "b.tif": manyDirectories(tiff, 200_000) };
}

function pipesAndDevices({ folder }: Given): Command {
  spawnSync(
    "mkfifo",
    ["pipe.jpg", "pipe.tar"].map((name) => join(folder, name)),
  );
  symlinkSync("/dev/zero", join(folder, "zero.png"));
  const paths = ["pipe.jpg", "pipe.tar", "zero.png"].map((name) => join(folder, name));
  writeFileSync(join(folder, "list.txt"), paths.join("\n"));
  return { args: ["inspect", `@${join(folder, "list.txt")}`, "--workers", "1", "--json"] };
}

export const PICTURES: readonly Attack[] = [
  {
    what: "JPEG, PNG, WebP, AVIF and TIFF of a few bytes that say they have 16,383 x 16,383 pixels",
    happens: "rejected by what they say, before memory is taken",
    megabytes: 400,
    seconds: 10,
    make: async (given) => inspect(given, await liars()),
    status: 0,
    says: /"readable":0,"rejected":5.*(?:"code":"LIMIT".*){4}/s,
  },
  {
    what: "WebP of 89 kB with as many pixels as are allowed",
    happens: "decoded; `--memory` lowers the limit, `--max-pixels` sets it",
    megabytes: 1000,
    seconds: 15,
    make: async (given) => inspect(given, { "a.webp": await plain(SIDE).webp({ effort: 0, quality: 50 }).toBuffer() }),
    status: 0,
    says: /"readable":1,"rejected":0/,
  },
  {
    what: "GIF of three million frames",
    happens: "rejected: it would take more than two seconds",
    megabytes: 400,
    seconds: 10,
    make: async (given) => inspect(given, { "a.gif": await manyFrames() }),
    status: 0,
    says: /"code":"LIMIT","message":"Image would take more than 2\.0 s/,
  },
  {
    what: "animated PNG of 1,000 frames of 2,000 x 2,000",
    happens: "its first frame is read, the others are not decoded",
    megabytes: 400,
    seconds: 10,
    make: (given) => inspect(given, { "a.png": animated() }),
    status: 0,
    says: /"readable":1,"rejected":0/,
  },
  {
    what: "animated WebP of 100,000 frames, and TIFF of 200,000 pictures",
    happens: "rejected: finding them would take more than two seconds",
    megabytes: 400,
    seconds: 10,
    make: async (given) => inspect(given, await manyPictures()),
    status: 0,
    says: /"readable":0,"rejected":2.*(?:"code":"LIMIT","message":"Image would take more than 2\.0 s.*){2}/s,
  },
  {
    what: "pipes called .jpg and .tar, and a link to `/dev/zero` called .png, in a list",
    happens: "rejected without waiting; nothing is read of them",
    megabytes: 300,
    seconds: 10,
    make: pipesAndDevices,
    status: 0,
    says: /"readable":0,"rejected":3.*regular file.*regular file/is,
  },
];
