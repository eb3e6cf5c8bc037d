/** Tiles of a zip archive, found by its directory: each is a range of its bytes, inflated when it is decoded. */
import type { FileHandle } from "node:fs/promises";
import type { Entry, ZipFile } from "yauzl";
import { openRegular } from "../files/open-regular.js";
import { brokenArchive, type WalkTally } from "./folder.js";
import { failedMember, hasTileExtension, memberTile } from "./names.js";
import type { Tile } from "./tile.js";

/**
 * Yields the members of `archive` that are tiles by their name, in the order of its directory. What is damaged,
 * encrypted or compressed in a way that is not read comes as a tile with a `failure`.
 */
export async function* tilesOfZip(archive: string, tally: WalkTally): AsyncGenerator<Tile> {
  const file = await openRegular(archive).catch((error: NodeJS.ErrnoException) => error);
  if (file instanceof Error) {
    yield brokenArchive(tally, archive, "READ", `the archive cannot be read (${file.code ?? file.message})`);
    return;
  }
  try {
    yield* membersOf(archive, file, tally);
  } finally {
    await file.close();
  }
}

async function* membersOf(archive: string, file: FileHandle, tally: WalkTally): AsyncGenerator<Tile> {
  // Loaded when first needed: most runs have no zip archive.
  const { default: yauzl } = await import("yauzl");
  let members = 0;
  try {
    // Sizes and names are checked here, since the library gives up at the first that is wrong.
    const options = { autoClose: false, decodeStrings: false, validateEntrySizes: false };
    const zip = await yauzl.fromFdPromise(file.fd, options);
    for await (const entry of zip.eachEntry()) {
      members++;
      const { generalPurposeBitFlag, fileNameRaw, extraFields } = entry;
      const member = yauzl.getFileNameLowLevel(generalPurposeBitFlag, fileNameRaw, extraFields, false);
      if (member.endsWith("/")) continue;
      if (hasTileExtension(member)) yield await tileOf(archive, member, zip, entry);
      else tally.ignored++;
    }
  } catch (error) {
    const { message, syscall } = error as NodeJS.ErrnoException;
    const code = syscall === undefined ? "FORMAT" : "READ";
    yield brokenArchive(
      tally,
      archive,
      code,
      `the directory of the archive cannot be read after ${members} members (${message.replace(/\.$/, "")})`,
    );
  }
}

const STORED = 0;
const DEFLATED = 8;

async function tileOf(archive: string, member: string, zip: ZipFile, entry: Entry): Promise<Tile> {
  const problem = problemOf(entry);
  if (problem !== undefined) return failedMember(archive, member, "FORMAT", problem);
  try {
    const { fileDataStart } = await zip.readLocalFileHeaderPromise(entry, { minimal: true });
    const tile = memberTile(archive, member, { offset: fileDataStart, byteLength: entry.compressedSize });
    return entry.compressionMethod === STORED ? tile : { ...tile, inflatedLength: entry.uncompressedSize };
  } catch (error) {
    return failedMember(archive, member, "FORMAT", `the archive is damaged at it (${(error as Error).message})`);
  }
}

/** Why the bytes of a member are not those of a file that can be read. */
function problemOf(entry: Entry): string | undefined {
  const { compressionMethod, compressedSize, uncompressedSize } = entry;
  if (isLink(entry)) return "it is a link, which is not followed: pack the files themselves";
  if (entry.isEncrypted()) return "it is encrypted: unpack the archive, or pack it without a password";
  if (compressionMethod !== STORED && compressionMethod !== DEFLATED) {
    return `it is compressed by method ${compressionMethod}, which canopy does not read: pack it with deflate, or unpack it`;
  }
  const isWrong = compressionMethod === STORED && compressedSize !== uncompressedSize;
  return isWrong ? "the archive is damaged: it gives the member two sizes" : undefined;
}

/** Unix keeps the kind of a file in the upper half. */
function isLink({ versionMadeBy, externalFileAttributes }: Entry): boolean {
  return versionMadeBy >> 8 === 3 && externalFileAttributes >>> 28 === 0xa;
}
