/** piscina entry: decodes a chunk of tiles completely and returns facts about them. */
import { createHash } from "node:crypto";
import { readTileBytes } from "../decode/bytes.js";
import { type DecodeFailure, isFailure, type PictureSource } from "../decode/decoder.js";
import { type FullImage, type FullOptions, readFull } from "../decode/full.js";
import { refuseHead } from "../decode/head.js";
import { refuseIfStopped } from "../stop-flag.js";
import { findLeftAside } from "./left-aside.js";
import { type Fingerprint, fingerprint } from "./perceptual-hash.js";

export interface ExamineSettings {
  options: FullOptions;
}

/** Facts about one readable tile. */
export interface TileFacts extends Pick<FullImage, "width" | "height" | "byteLength" | "encoding" | "reading"> {
  /** SHA-256 of the file's bytes, hexadecimal. */
  sha256: string;
  fingerprint: Fingerprint;
  /** Mean of the cells of the fingerprint: how bright the picture is. */
  brightness: number;
  /** Least and greatest sample of the bands of a TIFF; null for other pictures. */
  values: { min: number; max: number } | null;
  /** What the file says of its colours and orientation and is not applied, in words. */
  leftAside: string[];
}

interface ExamineTask extends ExamineSettings {
  items: PictureSource[];
  stop?: SharedArrayBuffer;
}

export type Examined = TileFacts | DecodeFailure;

export async function examineChunk(task: ExamineTask): Promise<Examined[]> {
  const results: Examined[] = [];
  for (const tile of task.items) {
    refuseIfStopped(task.stop);
    results.push(await examine(tile, task.options));
  }
  return results;
}

async function examine(tile: PictureSource, options: FullOptions): Promise<Examined> {
  const bytes = readTileBytes(tile, (head) => refuseHead(head, options));
  if (isFailure(bytes)) {
    return bytes;
  }
  const image = await readFull(bytes, options);
  if (isFailure(image)) {
    return image;
  }
  const { width, height, byteLength, encoding, reading, pixels, raster } = image;
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  const print = fingerprint(pixels, width, height);
  const brightness = print.cells.reduce((sum, cell) => sum + cell, 0) / print.cells.length;
  const values = raster?.values ?? null;
  const leftAside = await findLeftAside(bytes);
  return { width, height, byteLength, encoding, reading, sha256, fingerprint: print, brightness, values, leftAside };
}
