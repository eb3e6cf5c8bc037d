/** piscina entry: renders and encodes a chunk of tiles, and writes them or returns their bytes. */
import { join } from "node:path";
import { writeTogether } from "../files/write.js";
import { WriteError } from "../files/write-error.js";
import { encodeTile } from "./encode.js";
import { tileFileName } from "./names.js";
import { renderInto } from "./render.js";

export interface SynthTask {
  seed: number;
  size: number;
  indices: number[];
  /** Where to write the tiles; absent: their bytes are returned. */
  folder?: string;
}

export interface SynthOutcome {
  /** The tiles' bytes in the order of `indices`, if no folder was given. */
  files: Uint8Array[];
  failure?: { path: string; systemCode: string };
}

export async function renderChunk({ seed, size, indices, folder }: SynthTask): Promise<SynthOutcome> {
  const files: Uint8Array[] = [];
  const rgba = new Uint8Array(size * size * 4);
  for (const index of indices) {
    renderInto(rgba, seed, index, size);
    files.push(await encodeTile(rgba, size));
  }
  if (folder === undefined) return { files };
  try {
    // A tile under its own name is always whole: `resume` relies on that.
    await writeTogether(files.map((content, i) => ({ path: join(folder, tileFileName(indices[i])), content })));
    return { files: [] };
  } catch (error) {
    if (!(error instanceof WriteError)) throw error;
    return { files: [], failure: { path: error.path, systemCode: error.systemCode } };
  }
}
