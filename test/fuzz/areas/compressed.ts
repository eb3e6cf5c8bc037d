/** Compressed archives: tiles with their bytes, rejects with a reason, or one sentence. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { CanopyError } from "../../../src/errors.js";
import { CompressedTiles } from "../../../src/tiles/compressed-tiles.js";
import { collectTiles } from "../../../src/tiles/sources.js";
import { END, member } from "../../tar.js";
import { SKIPPED, zstd, zstdZeros } from "../../zstd.js";
import { type Area, kindOf, type Seed } from "../fuzzer.js";

const WORDS = ["\x1f\x8b\x08", "\x28\xb5\x2f\xfd", "ustar\0" + "00", "00000000000", "a.jpg"];

export function compressedArea(folder: string): Area {
  const tar = Buffer.concat([...[0, 400, 3000].map((length, i) => tile(`${i}.jpg`, length)), END]);
  const seeds = [
    // Stored, so that damage reaches the archive and not the compression alone.
    { name: "set.tar.gz", bytes: gzipSync(tar, { level: 0 }) },
    { name: "set.tar.gz", bytes: gzipSync(tar) },
    { name: "set.tar.zst", bytes: Buffer.concat([zstd(tar), SKIPPED]) },
    { name: "set.tar.zst", bytes: zstdZeros(5) },
  ];
  return { seeds, words: WORDS, read: (file) => read(join(folder, file.name), file) };
}

function tile(name: string, length: number): Buffer {
  return member({ name, data: Buffer.alloc(length, name) });
}

async function read(path: string, { bytes }: Seed): Promise<string> {
  writeFileSync(path, bytes);
  const loader = new CompressedTiles();
  try {
    const { tiles } = await collectTiles([path]);
    const reasons = new Set<string>();
    for (const { byteLength, content, failure } of await loader.load(tiles)) {
      reasons.add(failure === undefined ? "good" : kindOf(failure.message));
      if (failure === undefined) assert.ok(content && "bytes" in content && content.bytes.length === byteLength);
    }
    return JSON.stringify([...reasons].sort());
  } catch (error) {
    if (!(error instanceof CanopyError)) throw error;
    assert.ok(error.message.includes(path) && !error.message.includes("\n"), JSON.stringify(error.message));
    return kindOf(error.message);
  } finally {
    await loader.close();
  }
}
