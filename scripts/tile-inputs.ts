/** The tables of docs/inputs.md: what canopy does with each of the pictures, and of the inputs, that its tests make. */
import { mkdirSync } from "node:fs";
import { Readable } from "node:stream";
import { readTileBytes } from "../src/decode/bytes.js";
import { isFailure, placeOf } from "../src/decode/decoder.js";
import { readFull } from "../src/decode/full.js";
import { findLeftAside } from "../src/inspect/left-aside.js";
import { CompressedTiles } from "../src/tiles/compressed-tiles.js";
import { collectTiles } from "../src/tiles/sources.js";
import { INPUTS as PICTURES, type PictureInput } from "../test/decode/inputs.js";
import { INPUTS as SOURCES, type SourceInput } from "../test/tiles/inputs.js";
import { shorten, updateTable } from "./tables.js";

/** `page` with its tables written again. */
export async function updateTileInputs(page: string): Promise<string> {
  const pictures = await updateTable(page, "test/decode/inputs.ts", PICTURES, tryPicture);
  return updateTable(pictures, "test/tiles/inputs.ts", SOURCES, trySource);
}

async function tryPicture({ bytes, options }: PictureInput): Promise<string> {
  const file = Buffer.from(await bytes());
  const asked = { colorspace: "auto", maxPixels: 1e6, onTruncated: "reject", ...options } as const;
  const image = await readFull(file, asked);
  if (isFailure(image)) return `rejects it (${image.code}): ${shorten(image.message)}`;
  const aside = await findLeftAside(file);
  return `reads it as ${image.reading}${aside.length === 0 ? "" : `; inspect tells of ${aside.join(", ")}`}`;
}

async function trySource({ make, stdin }: SourceInput, folder: string): Promise<string> {
  mkdirSync(folder);
  try {
    const inputs = make(folder);
    const options = stdin === undefined ? {} : { stdin: Readable.from([stdin(folder)]) };
    const { tiles, ignored, close } = await collectTiles(inputs, options);
    const compressed = new CompressedTiles();
    const loaded = await compressed.load(tiles);
    const outcomes = loaded.map((tile) => tile.failure ?? readTileBytes(placeOf(tile)));
    await compressed.close();
    await close();
    const failures = outcomes.filter(isFailure);
    const [bad] = failures;
    return [
      `${tiles.length - failures.length} ${tiles.length - failures.length === 1 ? "tile" : "tiles"}`,
      ...(ignored === 0 ? [] : [`${ignored} ignored`]),
      ...(bad === undefined ? [] : [`${failures.length} rejected (${bad.code}): ${shorten(bad.message, 60)}`]),
    ].join(", ");
  } catch (error) {
    return `refuses it: ${shorten((error as Error).message.replaceAll(`${folder}/`, "").replaceAll(folder, "it"), 88)}`;
  }
}
