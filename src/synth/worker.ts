/** piscina entry: renders and encodes a chunk of tiles, and writes them or hands their bytes back. */
import { renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
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
  /** The tiles' bytes in the order of `indices`, where no folder was given. */
  files: Uint8Array[];
  /** A failed write: errors lose their code on the way between threads, so its facts travel as data. */
  failure?: { code: string | undefined; syscall: string | undefined; path: string; message: string };
}

export async function renderChunk({ seed, size, indices, folder }: SynthTask): Promise<SynthOutcome> {
  const files: Uint8Array[] = [];
  const rgba = new Uint8Array(size * size * 4);
  for (const index of indices) {
    renderInto(rgba, seed, index, size);
    const bytes = await encodeTile(rgba, size);
    if (folder === undefined) {
      files.push(bytes);
      continue;
    }
    const path = join(folder, tileFileName(index));
    try {
      writeWhole(path, bytes);
    } catch (error) {
      const { code, syscall, message } = error as NodeJS.ErrnoException;
      return { files, failure: { code, syscall, path, message } };
    }
  }
  return { files };
}

/** Under its own name a tile is whole, even if the process was killed: --resume trusts that. */
function writeWhole(path: string, bytes: Uint8Array): void {
  writeFileSync(`${path}.part`, bytes);
  renameSync(`${path}.part`, path);
}
