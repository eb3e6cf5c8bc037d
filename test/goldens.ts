/** Golden files: what Keras, scikit-learn, Pillow, TensorFlow and ONNX Runtime made of the same input; test/goldens/make.py writes them. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import sharp from "sharp";
import type { RgbImage } from "../src/decode/decoder.js";
import { ROOT } from "./helpers.js";

export const GOLDENS = join(ROOT, "test/goldens");

export function readFloats(path: string): Float32Array {
  return new Float32Array(new Uint8Array(readFileSync(path)).buffer);
}

/** JPEGs of every kind in `pictures/`, without their extension; beside each lies the PNG of Pillow's pixels. */
export function pictureNames(): string[] {
  const files = readdirSync(join(GOLDENS, "pictures"));
  return files.filter((file) => file.endsWith(".jpg")).map((file) => file.slice(0, -4));
}

/** The pixels of a golden PNG. */
export async function readPng(name: string): Promise<RgbImage> {
  const { data, info } = await sharp(join(GOLDENS, `${name}.png`))
    .raw()
    .toBuffer({ resolveWithObject: true });
  return { pixels: data, width: info.width, height: info.height };
}
