/** One tile at its own size, with facts about its file, for inspecting and converting. */
import { type JpegInfo, loadAddon } from "../addon.js";
import { nameCompression } from "../raster/names.js";
import { sampleType } from "../raster/raster.js";
import { readTileBytes } from "./bytes.js";
import { chooseChannels } from "./channels.js";
import {
  DECODE_DEFAULTS,
  type DecodeFailure,
  isFailure,
  type PictureOptions,
  type PictureSource,
  type RasterFacts,
  type RgbImage,
} from "./decoder.js";
import { refuseHead } from "./head.js";
import { readJpegHeader } from "./jpeg-header.js";
import { nativeOptions } from "./native.js";
import { sniffFormat } from "./sniff.js";

export interface FullImage extends RgbImage {
  /** Length of the file or archive member. */
  byteLength: number;
  /** Format and layout in words: "JPEG baseline, 4 components 4:4:4, no markers". */
  encoding: string;
  /** How the components were read: a JPEG's reading, "bands 1, 2, 3" of a TIFF, or "rgb", "gray", "cmyk". */
  reading: string;
}

export type FullOptions = Omit<PictureOptions, "maxBytes">;

/** Reads and decodes a tile completely. Never throws for a bad one. */
export async function readFullTile(tile: PictureSource, options: FullOptions): Promise<FullImage | DecodeFailure> {
  const bytes = readTileBytes(tile, (head) => refuseHead(head, options));
  return isFailure(bytes) ? bytes : readFull(bytes, options);
}

/** The same for bytes in memory. */
export async function readFull(bytes: Uint8Array, options: FullOptions): Promise<FullImage | DecodeFailure> {
  const addon = loadAddon();
  if (addon !== undefined && sniffFormat(bytes) === "jpeg") {
    const decoded = addon.decodeFull(bytes, nativeOptions({ ...DECODE_DEFAULTS, ...options, size: 1 }));
    if (isFailure(decoded)) return decoded as DecodeFailure;
    const { width, height, pixels, info } = decoded;
    const failure = chooseChannels(pixels, options);
    if (failure !== undefined) return failure;
    return { width, height, pixels, byteLength: bytes.length, encoding: describeJpeg(info), reading: info.reading };
  }
  return readWithSharp(bytes, options);
}

async function readWithSharp(bytes: Uint8Array, options: FullOptions): Promise<FullImage | DecodeFailure> {
  // Loaded when first needed: a run over JPEGs with the addon does not load libvips.
  const { readBytesWithSharp } = await import("./sharp.js");
  const image = await readBytesWithSharp(bytes, options);
  if (isFailure(image)) return image;
  if (image.raster !== undefined) {
    const { encoding, reading } = describeRaster(image.raster);
    return { ...image, byteLength: bytes.length, encoding, reading };
  }
  const { encoding, reading } = await describeWithSharp(bytes, options);
  return { ...image, byteLength: bytes.length, encoding, reading: image.reading ?? reading };
}

function describeRaster({ format, info, bands }: RasterFacts): { encoding: string; reading: string } {
  const { bands: count, planar, compression } = info;
  const layout = `${count} ${count === 1 ? "band" : "bands"}${planar ? " apart" : ""}`;
  return {
    encoding: [format, layout, sampleType(info), ...(format === "TIFF" ? [nameCompression(compression)] : [])].join(
      ", ",
    ),
    reading: `${bands.length === 1 ? "band" : "bands"} ${bands.join(", ")}`,
  };
}

/** The image that was read, with its facts. */
async function describeWithSharp(
  bytes: Uint8Array,
  options: FullOptions,
): Promise<{ encoding: string; reading: "gray" | "rgb" | "cmyk" }> {
  const { openPicture } = await import("./open-sharp.js");
  const { format, space, channels, depth, isProgressive, chromaSubsampling, icc } = await openPicture(
    bytes,
    options,
  ).metadata();
  const header = format === "jpeg" ? readJpegHeader(bytes) : undefined;
  if (header === undefined) {
    const bits = { uchar: "8-bit", ushort: "16-bit" }[depth as string] ?? depth;
    return {
      encoding: `${format.toUpperCase()}, ${channels} channels, ${bits}`,
      reading: space === "cmyk" ? "cmyk" : channels < 3 ? "gray" : "rgb",
    };
  }
  const facts = { ...header, progressive: isProgressive === true, icc: icc !== undefined };
  return { encoding: nameJpeg(facts, chromaSubsampling?.slice(0, 5) ?? ""), reading: channels === 1 ? "gray" : "rgb" };
}

function describeJpeg(info: JpegInfo): string {
  return nameJpeg(info, nameSampling(info.sampling));
}

type JpegFacts = Pick<JpegInfo, "components" | "progressive" | "adobeTransform" | "jfif" | "icc">;

function nameJpeg({ components, progressive, adobeTransform, jfif, icc }: JpegFacts, sampling: string): string {
  const markers = [jfif && "JFIF", adobeTransform >= 0 && `Adobe ${adobeTransform}`, icc && "ICC"].filter(Boolean);
  const layout = components === 1 ? "gray" : `${components} components ${sampling}`;
  return `JPEG ${progressive ? "progressive" : "baseline"}, ${layout}, ${markers.join(" + ") || "no markers"}`;
}

/** "2x2,1x1,1x1" is commonly called 4:2:0; unusual factors stay as they are. */
function nameSampling(sampling: string): string {
  const [first, ...others] = sampling.split(",");
  const names: Record<string, string> = {
    "1x1": "4:4:4",
    "2x2": "4:2:0",
    "2x1": "4:2:2",
    "1x2": "4:4:0",
    "4x1": "4:1:1",
  };
  const chroma = others.slice(0, 2);
  return (chroma.every((factor) => factor === "1x1") && names[first]) || sampling;
}
