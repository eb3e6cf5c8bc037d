/** Tiles of a tar archive, found by its headers alone: each is a range of bytes of the archive, and nothing is unpacked. */
import { type FileHandle, open } from "node:fs/promises";
import { Header, type HeaderData, Pax } from "tar";
import { InputError } from "../errors.js";
import type { WalkTally } from "./folder.js";
import { failedTile, hasTileExtension, tileName } from "./names.js";
import type { Tile } from "./tile.js";

const BLOCK = 512;
/** Bytes read at a time: several small members, or one header of a large one. */
const WINDOW = 1 << 16;
/** Longest name or pax record that is believed. */
const MAX_META = 1 << 20;

/** One entry of an archive: where its data lies. */
interface TarEntry {
  path: string;
  offset: number;
  byteLength: number;
  isFile: boolean;
}

/**
 * Yields the members of `archive` (ustar, pax, GNU, v7) that are tiles by their name, in archive order. A damaged or cut-off archive
 * gives what lies before the damage, then a tile with a `failure` that says where it is. Throws an InputError for a compressed archive.
 */
export async function* tilesOfTar(archive: string, tally: WalkTally): AsyncGenerator<Tile> {
  const file = await open(archive, "r").catch((error: NodeJS.ErrnoException) => error);
  if (file instanceof Error) {
    yield failedTile(archive, "READ", `the archive cannot be read (${file.code ?? file.message})`);
    return;
  }
  try {
    const reader = new WindowReader(file);
    refuseCompressed(archive, await reader.read(0, 6));
    yield* memberTiles(archive, reader, (await file.stat()).size, tally);
  } finally {
    await file.close();
  }
}

/** True if `block` (at least 512 bytes) is a tar header whose checksum holds. */
export function isTarHeader(block: Buffer): boolean {
  if (block.length < BLOCK || block[0] === 0) return false;
  try {
    return new Header(block.subarray(0, BLOCK)).cksumValid;
  } catch {
    return false;
  }
}

async function* memberTiles(
  archive: string,
  reader: WindowReader,
  size: number,
  tally: WalkTally,
): AsyncGenerator<Tile> {
  try {
    for await (const entry of entries(reader, size)) {
      const { path: member, offset, byteLength } = entry;
      if (!entry.isFile) continue;
      if (hasTileExtension(member)) yield { name: tileName(member), path: archive, offset, byteLength, member };
      else tally.ignored++;
    }
  } catch (error) {
    if (!(error instanceof DamagedArchive)) throw error;
    yield failedTile(archive, "FORMAT", error.message);
  }
}

async function* entries(reader: WindowReader, size: number): AsyncGenerator<TarEntry> {
  let pax: HeaderData | undefined;
  let global: HeaderData | undefined;
  let ended = false;
  for (let position = 0; position < size; ) {
    const block = await reader.read(position, BLOCK);
    // Archives that were put together with `cat` have their end marks in between.
    const header = ended && !isTarHeader(block) ? undefined : parseHeader(block, position, pax, global);
    if (header === undefined) {
      if (ended && !isZero(block)) return;
      ended = true;
      position += BLOCK;
      continue;
    }
    ended = false;
    const offset = position + BLOCK;
    const byteLength = header.size ?? 0;
    const isMeta = META_TYPES.has(header.type);
    if (isMeta) {
      if (byteLength > MAX_META) throw new DamagedArchive(`the archive has an oversized record at byte ${position}`);
      const text = (await reader.read(offset, byteLength)).toString("utf8");
      if (header.type === "GlobalExtendedHeader") global = Pax.parse(text, global, true);
      else if (header.type === "ExtendedHeader" || header.type === "OldExtendedHeader") pax = Pax.parse(text, pax);
      else if (header.type !== "NextFileHasLongLinkpath") pax = { ...pax, path: text.replace(/\0.*$/s, "") };
    } else {
      if (offset + byteLength > size) throw new DamagedArchive(`the archive ends inside the member ${header.path}`);
      yield { path: header.path ?? "", offset, byteLength, isFile: FILE_TYPES.has(header.type) };
      pax = undefined;
    }
    position = offset + Math.ceil(byteLength / BLOCK) * BLOCK;
  }
  if (!ended) throw new DamagedArchive(`the archive has no end mark: it may have been cut off at byte ${size}`);
}

function isZero(block: Buffer): boolean {
  return block.every((byte) => byte === 0);
}

const META_TYPES: ReadonlySet<string> = new Set([
  "GlobalExtendedHeader",
  "ExtendedHeader",
  "OldExtendedHeader",
  "NextFileHasLongPath",
  "OldGnuLongPath",
  "NextFileHasLongLinkpath",
]);
const FILE_TYPES: ReadonlySet<string> = new Set(["File", "OldFile", "ContiguousFile"]);

/** The header in `block`, or undefined at the archive's end mark. */
function parseHeader(block: Buffer, position: number, pax?: HeaderData, global?: HeaderData): Header | undefined {
  if (block.length < BLOCK) throw new DamagedArchive(`the archive ends inside a header at byte ${position}`);
  const header = new Header(block, 0, pax, global);
  if (header.nullBlock) return undefined;
  if (!header.cksumValid) throw new DamagedArchive(`the archive is damaged at byte ${position}`);
  return header;
}

/** The tool that unpacks what begins with `head`, or undefined where it does not look compressed. */
export function compressionOf(head: Buffer): string | undefined {
  return Object.entries(MAGIC).find(([, magic]) => head.toString("hex", 0, 6).startsWith(magic))?.[0];
}

const MAGIC = { gzip: "1f8b", zstd: "28b52ffd", xz: "fd377a585a00", bzip2: "425a68" };

function refuseCompressed(archive: string, head: Buffer): void {
  const tool = compressionOf(head);
  if (tool === undefined) return;
  throw new InputError(
    `${archive} is compressed with ${tool}, and its members cannot be read in place: unpack it first (${tool} -d), or pipe it in (${tool} -dc FILE | canopy ... -).`,
  );
}

class DamagedArchive extends Error {}

/** Reads small pieces of a file through a window, so that neighbouring headers cost one system call. */
class WindowReader {
  readonly #file: FileHandle;
  readonly #buffer = Buffer.allocUnsafe(WINDOW);
  #start = 0;
  #length = 0;

  constructor(file: FileHandle) {
    this.#file = file;
  }

  /** Up to `byteLength` bytes from `position`; fewer only at the end of the file. Valid until the next read. */
  async read(position: number, byteLength: number): Promise<Buffer> {
    if (byteLength > WINDOW) {
      const { buffer, bytesRead } = await this.#file.read(Buffer.allocUnsafe(byteLength), 0, byteLength, position);
      return buffer.subarray(0, bytesRead);
    }
    if (position < this.#start || position + byteLength > this.#start + this.#length) {
      this.#start = position;
      this.#length = (await this.#file.read(this.#buffer, 0, WINDOW, position)).bytesRead;
    }
    const from = position - this.#start;
    return this.#buffer.subarray(from, Math.min(from + byteLength, this.#length));
  }
}
