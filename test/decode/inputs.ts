/** Pictures as people bring them, made on the spot. Those that are right show what `LEVELS` says. */
import { crc32, deflateSync, gzipSync } from "node:zlib";
import sharp, { type Sharp } from "sharp";
import type { DecodeFailure, PictureOptions } from "../../src/decode/decoder.js";
import { adobe, JFIF, joinComponents } from "../jpeg-parts.js";
import { type TiffOptions, writeTiff } from "../raster/write-tiff.js";

export const [WIDTH, HEIGHT] = [32, 16];

/** The level of a channel at a place. */
export type Levels = (channel: number, x: number, y: number) => number;

const LEVELS: Levels = (c, x, y) => [40 + 5 * x, 200 - 4 * x, 30 + 9 * y][c];
const FIRST: Levels = (_, x, y) => LEVELS(0, x, y);

export interface PictureInput {
  /** What it is, as the table in docs/inputs.md says it. */
  what: string;
  /** Where the format is described, or what writes it. */
  reference: string;
  bytes: () => Uint8Array | string | Promise<Uint8Array>;
  options?: Partial<PictureOptions>;
  /** How `options` are written, in the table. */
  said?: string;
  gives: { levels: Levels; tolerance: number } | { code: DecodeFailure["code"]; message: RegExp };
}

const exact = (levels = LEVELS) => ({ levels, tolerance: 0 });
const near = (levels = LEVELS, tolerance = 8) => ({ levels, tolerance });
const refused = (code: DecodeFailure["code"], message: RegExp) => ({ code, message });

const table: PictureInput[] = [];
const add = (
  what: string,
  reference: string,
  bytes: PictureInput["bytes"],
  gives: PictureInput["gives"] = exact(),
  more: Pick<PictureInput, "options" | "said"> = {},
) => void table.push({ what, reference, bytes, gives, ...more });

/** Samples `[HEIGHT, WIDTH, channels]`; a fourth channel, or a second, is an alpha that changes. */
function picture(channels: 1 | 2 | 3 | 4 = 3): Sharp {
  const samples = Uint8Array.from({ length: WIDTH * HEIGHT * channels }, (_, i) => {
    const [c, pixel] = [i % channels, Math.floor(i / channels)];
    const alpha = channels % 2 === 0 && c === channels - 1;
    return alpha ? pixel % 256 : LEVELS(c, pixel % WIDTH, Math.floor(pixel / WIDTH));
  });
  const image = sharp(samples, { raw: { width: WIDTH, height: HEIGHT, channels } });
  return channels < 3 ? image.toColourspace("b-w") : image;
}

const jpeg = (options = {}) => picture().jpeg({ quality: 98, chromaSubsampling: "4:4:4", ...options });
const png = (channels: 1 | 2 | 3 | 4 = 3) => picture(channels).png({ palette: false });

// JPEG
add("RGB JPEG, 4:4:4", "JFIF", () => jpeg().toBuffer(), near());
add("RGB JPEG, 4:2:0", "JFIF", () => jpeg({ chromaSubsampling: "4:2:0" }).toBuffer(), near());
add("progressive JPEG", "ITU-T T.81", () => jpeg({ progressive: true }).toBuffer(), near());
add("grey JPEG", "JFIF", () => picture(1).jpeg({ quality: 98 }).toBuffer(), near(FIRST));
add(
  "bytes behind the end",
  "Planet's Amazon tiles",
  async () => Buffer.concat([await jpeg().toBuffer(), Buffer.alloc(35, 7)]),
  near(),
);
add("EXIF orientation 6", "cameras", () => jpeg().withMetadata({ orientation: 6 }).toBuffer(), near());
add("a profile (Display P3)", "ICC.1", jpegWithProfile, near());

/** Put into the file as it is: sharp would convert the pixels, too. */
async function profile(): Promise<Buffer> {
  const { icc } = await sharp(await picture().withIccProfile("p3").png().toBuffer()).metadata();
  return icc ?? Buffer.alloc(0);
}

async function jpegWithProfile(): Promise<Buffer> {
  const body = Buffer.concat([Buffer.from("ICC_PROFILE\0\x01\x01", "latin1"), await profile()]);
  const head = Buffer.from([0xff, 0xe2, (body.length + 2) >> 8, (body.length + 2) & 255]);
  const file = await jpeg().toBuffer();
  return Buffer.concat([file.subarray(0, 2), head, body, file.subarray(2)]);
}

async function pngWithProfile(): Promise<Buffer> {
  const body = Buffer.concat([Buffer.from("iCCPname\0\0", "latin1"), deflateSync(await profile())]);
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(body.length - 4);
  sum.writeUInt32BE(crc32(body));
  const file = await png().toBuffer();
  return Buffer.concat([file.subarray(0, 33), length, body, sum, file.subarray(33)]);
}

type Plane = (x: number, y: number) => number;

/** A JPEG of components that are `planes`, unless a sampling says otherwise of full size. */
async function fromPlanes(
  planes: readonly Plane[],
  more: { markers?: Buffer[]; ids?: number[]; shrunk?: readonly number[] } = {},
): Promise<Buffer> {
  const { shrunk = planes.map(() => 1) } = more;
  const largest = Math.max(...shrunk);
  const components = planes.map(async (plane, i) => {
    const [width, height] = [WIDTH / shrunk[i], HEIGHT / shrunk[i]];
    const samples = Uint8Array.from({ length: width * height }, (_, at) =>
      plane((at % width) * shrunk[i], Math.floor(at / width) * shrunk[i]),
    );
    const gray = await sharp(samples, { raw: { width, height, channels: 1 } })
      .toColourspace("b-w")
      .jpeg({ quality: 98, optimizeCoding: false })
      .toBuffer();
    return { gray, sampling: [largest / shrunk[i], largest / shrunk[i]] as const };
  });
  return joinComponents([WIDTH, HEIGHT], await Promise.all(components), more);
}

const rgb = [0, 1, 2].map(
  (c): Plane =>
    (x, y) =>
      LEVELS(c, x, y),
);
/** ITU-R BT.601, full range. */
const ycc = [
  (r: number, g: number, b: number) => 0.299 * r + 0.587 * g + 0.114 * b,
  (r: number, g: number, b: number) => 128 - 0.168736 * r - 0.331264 * g + 0.5 * b,
  (r: number, g: number, b: number) => 128 + 0.5 * r - 0.418688 * g - 0.081312 * b,
].map(
  (mix): Plane =>
    (x, y) =>
      mix(LEVELS(0, x, y), LEVELS(1, x, y), LEVELS(2, x, y)),
);
const opaque: Plane = () => 255;
const fading: Plane = (x) => 255 - 3 * x;
const inks: Levels = (c, x, y) => (LEVELS(c, x, y) * fading(x, y)) / 255;

add("three components, JFIF", "JFIF", () => fromPlanes(ycc, { markers: [JFIF] }), near());
add("three components, no marker", "libjpeg's rule", () => fromPlanes(ycc), near());
add("three components, Adobe transform 0", "Adobe 5116", () => fromPlanes(rgb, { markers: [adobe(0)] }), near());
add("three components called R, G, B", "libjpeg's rule", () => fromPlanes(rgb, { ids: [0x52, 0x47, 0x42] }), near());
add("RGB and 255, no marker", "Planet's Amazon tiles", () => fromPlanes([...rgb, opaque]), near());
add("four components, no marker", "Pillow", () => fromPlanes([...rgb, fading]), near(inks));
add("CMYK, Adobe transform 0", "Adobe 5116", () => fromPlanes([...rgb, fading], { markers: [adobe(0)] }), near(inks));
add(
  "YCbCr and alpha, chroma subsampled",
  "Java, ImageIO",
  () => fromPlanes([...ycc, fading], { shrunk: [1, 2, 2, 1] }),
  near(LEVELS, 12),
);
add("YCbCr and alpha, in full size", "-", () => fromPlanes([...ycc, opaque]), near(), {
  options: { colorspace: "ycbcr" },
  said: "`--colorspace ycbcr`",
});
add("two components", "-", () => fromPlanes(rgb.slice(0, 2)), refused("COLORSPACE", /2 components has no known/));
add("grey, read as CMYK", "-", () => picture(1).jpeg().toBuffer(), refused("COLORSPACE", /1 component as cmyk/), {
  options: { colorspace: "cmyk" },
  said: "`--colorspace cmyk`",
});

/** The JPEG with another start of frame, or precision. */
async function altered(marker: number, precision = 8): Promise<Buffer> {
  const file = await jpeg().toBuffer();
  const at = file.indexOf(Buffer.from([0xff, 0xc0]));
  file[at + 1] = marker;
  file[at + 4] = precision;
  return file;
}

add("12 bits", "medical cameras", () => altered(0xc1, 12), refused("FORMAT", /12/));
add(
  "lossless JPEG",
  "ITU-T T.81, process 14",
  () => altered(0xc3),
  refused("FORMAT", /lossless|not read|Unsupported/i),
);
add("arithmetic coding", "ITU-T T.81", () => altered(0xc9), refused("FORMAT", /arithmetic/i));
add("a JPEG cut in half", "a broken download", async () => half(await jpeg().toBuffer()), refused("TRUNCATED", /end/));
add("a JPEG of its first two bytes", "-", () => Buffer.from([0xff, 0xd8]), refused("TRUNCATED", /end/));

function half(file: Buffer): Buffer {
  return file.subarray(0, file.length >> 1);
}

function damaged(file: Buffer): Buffer {
  const copy = Buffer.from(file);
  copy.fill(0xa5, file.length >> 1, (file.length >> 1) + 60);
  return copy;
}

// PNG
add("PNG of RGB", "PNG", () => png().toBuffer());
add("PNG of RGB and alpha", "PNG", () => png(4).toBuffer());
add("grey PNG", "PNG", () => png(1).toBuffer(), exact(FIRST));
add("grey PNG with alpha", "PNG", () => png(2).toBuffer(), exact(FIRST));
add("interlaced PNG", "PNG, Adam7", () => picture().png({ progressive: true }).toBuffer());
add(
  "PNG with a palette",
  "PNG",
  () => picture().png({ palette: true, effort: 1, dither: 0 }).toBuffer(),
  near(LEVELS, 24),
);
add("PNG with a profile", "ICC.1", pngWithProfile);
const deep = (channels: 1 | 3 | 4) =>
  sharp(
    Uint16Array.from({ length: WIDTH * HEIGHT * channels }, (_, i) => {
      const pixel = Math.floor(i / channels);
      return i % channels === 3 ? 9 : 10 * LEVELS(i % channels, pixel % WIDTH, Math.floor(pixel / WIDTH));
    }),
    { raw: { width: WIDTH, height: HEIGHT, channels } },
  )
    .toColourspace(channels === 1 ? "grey16" : "rgb16")
    .png()
    .toBuffer();
const tenth = { options: { stretch: [[0, 2550]] as const }, said: "`--stretch 0,2550`" };
/** What is read of samples of ten times the level, over the whole range of 16 bits. */
const faint: Levels = (c, x, y) => Math.floor((LEVELS(c, x, y) * 10 * 255) / 65535 + 0.5);
add("PNG of 16 bits", "PNG", () => deep(3), exact(faint));
add("PNG of 16 bits", "PNG", () => deep(3), exact(), tenth);
add("PNG of 16 bits with alpha", "PNG", () => deep(4), exact(), tenth);
add("grey PNG of 16 bits", "PNG", () => deep(1), exact(FIRST), tenth);
add("PNG of 8 bits, stretched", "PNG", () => png().toBuffer(), refused("FORMAT", /colours of 8 bits/), tenth);
add(
  "PNG, bands in another order",
  "PNG",
  () => png().toBuffer(),
  exact((c, x, y) => LEVELS(2 - c, x, y)),
  {
    options: { bands: [3, 2, 1] },
    said: "`--bands 3,2,1`",
  },
);
add("a PNG cut in half", "-", async () => half(await png().toBuffer()), refused("TRUNCATED", /ends early/));
add("a PNG damaged in its middle", "-", async () => damaged(await png().toBuffer()), refused("CORRUPT", /cannot be/));

// WebP, GIF, AVIF, HEIC
add("WebP, lossless", "WebP", () => picture().webp({ lossless: true }).toBuffer());
add("WebP", "WebP", () => picture().webp({ quality: 98 }).toBuffer(), near(LEVELS, 24));
add("WebP with alpha", "WebP", () => picture(4).webp({ lossless: true, exact: true }).toBuffer());
add("a WebP cut in half", "-", async () => half(await picture().webp().toBuffer()), refused("TRUNCATED", /ends early/));
add("GIF", "GIF89a", () => picture().gif({ dither: 0 }).toBuffer(), near(LEVELS, 24));
add("AVIF", "AVIF", () => picture().avif({ quality: 95, effort: 0, chromaSubsampling: "4:4:4" }).toBuffer(), near());
add("HEIC", "telephones", heic, refused("FORMAT", /HEIC.*is not read, AVIF is/));

async function heic(): Promise<Buffer> {
  const avif = await picture().avif({ effort: 0 }).toBuffer();
  avif.write("hvc1", avif.indexOf("av01"), "latin1");
  return avif;
}

// TIFF
const tiff: TiffOptions = { width: WIDTH, height: HEIGHT, bands: 3, type: "uint8", at: LEVELS as TiffOptions["at"] };
/** Bands that are levels, then others. */
const many: TiffOptions["at"] = (band, x, y) => (band < 3 ? LEVELS(band, x, y) : band);
const tenfold: TiffOptions["at"] = (band, x, y) => 10 * many(band, x, y);
const of = (options: Partial<TiffOptions>) => () => writeTiff({ ...tiff, ...options });
const uint16: Partial<TiffOptions> = { type: "uint16", at: (band, x, y) => 257 * many(band, x, y) };
add("TIFF of RGB", "TIFF 6.0", of({ photometric: 2 }));
add("three bands, MinIsBlack", "GDAL", of({}));
add("three bands, MinIsBlack, planes apart", "GDAL, INTERLEAVE=BAND", of({ planar: true }));
add("five bands", "GDAL", of({ bands: 5, at: many }));
add("four bands, none of them alpha", "rasterio, NIR", of({ bands: 4, at: many, photometric: 2, tags: [[338, [0]]] }));
add("RGB and alpha", "TIFF 6.0", of({ bands: 4, at: many, photometric: 2, tags: [[338, [2]]] }));
add("grey and alpha", "TIFF 6.0", of({ bands: 2, tags: [[338, [2]]] }), exact(FIRST));
add("three bands of 16 bits", "GDAL, rasterio", of(uint16));
add("three bands of 16 bits, planes apart", "GDAL", of({ ...uint16, planar: true }));
add("thirteen bands of 16 bits", "Sentinel-2, EuroSAT", of({ ...uint16, bands: 13 }));
add("thirteen bands of reflectances", "Sentinel-2", of({ type: "uint16", bands: 13, at: tenfold }), exact(), tenth);
add(
  "thirteen bands, others than the first",
  "Sentinel-2",
  of({
    bands: 13,
    at: (band, x, y) => (band === 3 || band === 7 || band === 12 ? LEVELS([3, 7, 12].indexOf(band), x, y) : 0),
  }),
  exact(),
  { options: { bands: [4, 8, 13] }, said: "`--bands 4,8,13`" },
);
add("a band that it lacks", "-", of({}), refused("FORMAT", /asks for band 4, and the TIFF has 3/), {
  options: { bands: [4, 2, 1] },
  said: "`--bands 4,2,1`",
});
for (const type of ["int8", "int16", "int32", "uint32", "float32", "float64"] as const) {
  const half: TiffOptions["at"] = (band, x, y) => LEVELS(band, x, y) / 2;
  const at = type === "int8" ? (((band, x, y) => Math.floor(LEVELS(band, x, y) / 4)) as TiffOptions["at"]) : half;
  const samples: TiffOptions["at"] = type.startsWith("float") ? at : (band, x, y) => Math.floor(at(band, x, y));
  add(
    `samples of ${type}`,
    "GDAL",
    of({ type, at: samples }),
    refused("FORMAT", /no reader can know: inspect, fix or train with `stretch`/),
  );
  const top = type === "int8" ? 63.75 : 127.5;
  const shown: Levels = (c, x, y) => Math.floor((samples(c, x, y) * 255) / top + 0.5);
  add(`samples of ${type}`, "GDAL", of({ type, at: samples }), exact(shown), {
    options: { stretch: [[0, top]] },
    said: `\`--stretch 0,${top}\``,
  });
}
add(
  "12 bits in 12",
  "GDAL, NBITS=12",
  of({ type: "uint16", bits: 12, at: (c, x, y) => 16 * LEVELS(c, x, y) }),
  near(LEVELS, 1),
);
add(
  "4 bits",
  "GDAL, NBITS=4",
  of({ bits: 4, at: (c, x, y) => LEVELS(c, x, y) >> 4 }),
  exact((c, x, y) => 17 * (LEVELS(c, x, y) >> 4)),
);
add(
  "1 bit, MinIsWhite",
  "fax",
  of({ bits: 1, bands: 1, photometric: 0, at: (_, x) => x & 1 }),
  exact((_, x) => 255 * (1 - (x & 1))),
);
add(
  "grey, MinIsWhite",
  "TIFF 6.0",
  of({ bands: 1, photometric: 0, at: (_, x, y) => 255 - FIRST(0, x, y) }),
  exact(FIRST),
);
const colours = Array.from({ length: 768 }, (_, i) => (255 - (i % 256)) * 257);
add(
  "a palette",
  "TIFF 6.0",
  of({ bands: 1, photometric: 3, at: (_, x, y) => 255 - FIRST(0, x, y), tags: [[320, colours]] }),
  exact(FIRST),
);
for (const compression of ["lzw", "deflate", "packbits", "zstd"] as const) {
  add(`${compression.toUpperCase()}, in tiles`, "GDAL", of({ ...uint16, compression, tile: 16 }));
}
add("LZW with differences", "TIFF 6.0, predictor 2", of({ ...uint16, compression: "lzw", predictor: 2 }));
add(
  "Deflate with differences of floats",
  "GDAL, predictor 3",
  of({ type: "float32", compression: "deflate", predictor: 3 }),
  exact(),
  { options: { stretch: [[0, 255]] }, said: "`--stretch none`" },
);
add("big-endian", "TIFF 6.0", of({ ...uint16, bigEndian: true }));
add("BigTIFF", "GDAL, BIGTIFF=YES", of({ ...uint16, big: true }));
add("orientation 6", "TIFF's tag 274", of({ photometric: 2, tags: [[274, [6]]] }));
add(
  "nodata among floats",
  "GDAL_NODATA",
  of({ type: "float32", at: (c, x, y) => (x === 3 ? -9999 : LEVELS(c, x, y)), nodata: "-9999" }),
  exact((c, x, y) => (x === 3 ? 0 : LEVELS(c, x, y))),
  { options: { stretch: [[0, 255]] }, said: "`--stretch none`" },
);
add(
  "CMYK TIFF",
  "TIFF 6.0",
  of({ bands: 4, photometric: 5, at: (c, x, y) => (c < 3 ? 255 - LEVELS(c, x, y) : 0) }),
  exact(),
);
add("CIELab", "TIFF 6.0", of({ photometric: 8 }), refused("FORMAT", /CIELab/));
add("complex samples", "radar", of({ type: "float32", bands: 1, tags: [[339, [6]]] }), refused("FORMAT", /complex32/));
const compressed = (code: number) => () => {
  const file = writeTiff(tiff);
  file.writeUInt16LE(code, file.indexOf(Buffer.from([3, 1, 3, 0, 1, 0, 0, 0])) + 8);
  return file;
};
for (const [code, name] of [
  [34925, "LZMA"],
  [50001, "WebP"],
  [34712, "JPEG 2000"],
  [50002, "JPEG XL"],
] as const) {
  add(
    `${name} in TIFF`,
    "GDAL",
    compressed(code),
    refused("FORMAT", new RegExp(`with ${name} is not read; convert it`)),
  );
}
add("JPEG in TIFF, planes apart", "libtiff", () => jpegPlanes(), refused("FORMAT", /JPEG/));
function jpegPlanes(): Buffer {
  const file = writeTiff({ ...tiff, planar: true, photometric: 2 });
  file.writeUInt16LE(7, file.indexOf(Buffer.from([3, 1, 3, 0, 1, 0, 0, 0])) + 8);
  return file;
}
const deflated = of({ ...uint16, bands: 6, compression: "deflate" });
add("a TIFF cut off", "-", () => deflated().subarray(0, deflated().length - 30), refused("TRUNCATED", /cut off/));
add("a TIFF damaged in its middle", "-", () => damaged(deflated()), refused("CORRUPT", /Deflate/));

// What is no picture
const foreign = (what: string, reference: string, bytes: PictureInput["bytes"], message: RegExp) =>
  add(`${what}, called as a picture`, reference, bytes, refused("FORMAT", message));
add("an empty file", "-", () => "", refused("EMPTY", /is empty/));
foreign("a Git LFS pointer", "Git LFS", () => "version https://git-lfs.github.com/spec/v1\noid x\n", /git lfs pull/);
foreign("a git-annex pointer", "git-annex", () => "/annex/objects/MD5E-s1--x.jpg\n", /git annex get/);
foreign("an HTML page", "a server's answer", () => "<!DOCTYPE html>\n<html></html>", /an HTML page; a server/);
foreign("XML", "a cloud's error", () => '<?xml version="1.0"?><Error/>', /it is XML/);
foreign("JSON", "a server's answer", () => '{"error": "not found"}', /it is JSON/);
foreign("text", "-", () => "404: not found", /it is text/);
foreign("SVG", "W3C", () => "<svg xmlns='http://www.w3.org/2000/svg'/>", /an SVG, which is a drawing/);
foreign("a gzip", "RFC 1952", () => gzipSync("a tile"), /compressed by gzip/);
foreign("a bzip2", "bzip2", () => "BZh91AY&SY", /compressed by bzip2/);
foreign("a zip", "PKWARE", () => "PK\x03\x04\x14\0", /a zip archive/);
foreign("a 7z", "7-Zip", () => Buffer.from("7z\xbc\xaf\x27\x1c", "latin1"), /a 7z archive/);
foreign("a RAR", "RARLAB", () => "Rar!\x1a\x07\x01\0", /a RAR archive/);
foreign("a PDF", "ISO 32000", () => "%PDF-1.7\n", /a PDF/);
foreign("a BMP", "Windows", () => Buffer.from("BM\x46\0\0\0\0\0", "latin1"), /a BMP/);
foreign("a JPEG 2000", "ISO 15444", () => Buffer.from("\0\0\0\x0cjP  \r\n\x87\n", "latin1"), /a JPEG 2000/);
foreign("a JPEG XL", "ISO 18181", () => Buffer.from("\xff\x0a\0\0", "latin1"), /a JPEG XL/);
foreign("a Photoshop file", "Adobe", () => "8BPS\0\x01", /a Photoshop file/);
foreign("an HDF5 file", "NetCDF 4", () => Buffer.from("\x89HDF\r\n\x1a\n", "latin1"), /HDF5/);
foreign("a NumPy array", "NumPy", () => Buffer.from("\x93NUMPY\x01\0", "latin1"), /a NumPy array/);
foreign("zeros", "a copy that broke off", () => Buffer.alloc(700), /begins with zeros/);

export const INPUTS: readonly PictureInput[] = table;
