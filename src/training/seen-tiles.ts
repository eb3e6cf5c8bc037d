/**
 * Which tiles a model was trained on, so that nobody takes their scores for those of new tiles. A tile is known by its number of bytes and
 * the last 4 KiB of them: whatever it is called, in a folder or an archive (but not deflated in one and plain in the other).
 */
import { createHash } from "node:crypto";
import { closeSync, existsSync, fstatSync, openSync, readSync } from "node:fs";
import { setImmediate } from "node:timers/promises";
import { chunksOf } from "../chunks.js";
import { FormatError } from "../errors.js";
import { readWholeRegular } from "../files/open-regular.js";
import { CompressedTiles, needsLoading } from "../tiles/compressed-tiles.js";
import type { Tile } from "../tiles/tile.js";

/**
 * In a model's folder, and under a name of its own beside an imported backbone: the divisor, then the fingerprints, ascending;
 * each a little-endian uint64.
 */
export const SEEN_TILES_FILE = "training-tiles.bin";

const TAIL = 4096;
/** Of more tiles only those are kept whose size is a multiple of the divisor. */
const MOST_TILES = 1_000_000;
/** Tiles read before other work has its turn. */
const TURN = 256;

/** The content of SEEN_TILES_FILE for a model that was trained on `tiles`. */
export async function encodeSeenTiles(tiles: readonly Tile[], most = MOST_TILES): Promise<Uint8Array> {
  const divisor = Math.ceil(tiles.length / most) || 1;
  return encode({ divisor, fingerprints: await fingerprint(tiles, divisor) });
}

/** The same for one that was trained on `tiles` after those in the list `path`; undefined if there is none. */
export async function addSeenTiles(path: string, tiles: readonly Tile[]): Promise<Uint8Array | undefined> {
  const seen = await readSeenTiles(path);
  if (seen === undefined) return undefined;
  const { divisor, fingerprints } = seen;
  return encode({ divisor, fingerprints: [...fingerprints, ...(await fingerprint(tiles, divisor))] });
}

/** About how many of `tiles` are in the list `path` (exactly, up to a million); null if there is none. */
export async function countSeenTiles(path: string, tiles: readonly Tile[]): Promise<number | null> {
  const seen = await readSeenTiles(path);
  if (seen === undefined) return null;
  const known = new Set(seen.fingerprints);
  const found = (await fingerprint(tiles, seen.divisor)).filter((each) => known.has(each)).length;
  return Math.min(tiles.length, found * seen.divisor);
}

interface SeenTiles {
  divisor: number;
  fingerprints: readonly bigint[];
}

function encode({ divisor, fingerprints }: SeenTiles): Uint8Array {
  const sorted = BigUint64Array.from(new Set(fingerprints)).sort();
  return new Uint8Array(BigUint64Array.from([BigInt(divisor), ...sorted]).buffer);
}

async function readSeenTiles(path: string): Promise<SeenTiles | undefined> {
  if (!existsSync(path)) return undefined;
  const bytes = Uint8Array.from(await readWholeRegular(path));
  if (bytes.length < 8 || bytes.length % 8 !== 0) {
    throw new FormatError(
      path,
      `${path} is damaged: it is no list of fingerprints. Restore it from a copy, or delete it.`,
    );
  }
  const [divisor, ...fingerprints] = new BigUint64Array(bytes.buffer);
  return { divisor: Number(divisor), fingerprints };
}

/** Of those tiles that can be read and whose size is a multiple of `divisor`. */
async function fingerprint(tiles: readonly Tile[], divisor: number): Promise<bigint[]> {
  const fingerprints: bigint[] = [];
  const compressed = new CompressedTiles();
  try {
    for (const turn of chunksOf(inArchiveOrder(tiles), TURN)) {
      await setImmediate();
      for await (const piece of compressed.pieces(turn)) {
        for (const tile of piece) {
          const each = readFingerprint(tile, divisor);
          if (each !== undefined) fingerprints.push(each);
        }
      }
    }
  } finally {
    await compressed.close();
  }
  return fingerprints;
}

/** Compressed archives are then read from end to end. */
function inArchiveOrder(tiles: readonly Tile[]): readonly Tile[] {
  if (!tiles.some(needsLoading)) return tiles;
  return tiles.toSorted((a, b) => (a.path === b.path ? (a.offset ?? 0) - (b.offset ?? 0) : a.path < b.path ? -1 : 1));
}

function readFingerprint({ path, offset = 0, byteLength, content }: Tile, divisor: number): bigint | undefined {
  if (content !== undefined && "bytes" in content) return fingerprintOf(content.bytes, divisor);
  let file: number | undefined;
  try {
    file = openSync(path, "r");
    const size = byteLength ?? fstatSync(file).size - offset;
    if (size % divisor !== 0) return undefined;
    const tail = Buffer.alloc(Math.min(size, TAIL));
    readSync(file, tail, 0, tail.length, offset + size - tail.length);
    return hashTail(size, tail);
  } catch {
    // A tile that is gone by now is no tile that was seen.
    return undefined;
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

function fingerprintOf(bytes: Uint8Array, divisor: number): bigint | undefined {
  return bytes.length % divisor === 0 ? hashTail(bytes.length, bytes.subarray(-TAIL)) : undefined;
}

function hashTail(size: number, tail: Uint8Array): bigint {
  return createHash("sha256").update(`${size}:`).update(tail).digest().readBigUInt64LE();
}
