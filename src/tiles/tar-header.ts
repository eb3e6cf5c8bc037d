/** One header block of a tar archive. */
import { Header } from "tar";

/** Every header and every piece of data begins at a multiple of this. */
export const BLOCK = 512;

export interface TarHeader {
  path: string;
  linkPath: string;
  /** The letter in the header; "0" for a file. */
  type: string;
  byteLength: number;
  /** The name fills its field, so it may be longer. */
  isNameFull: boolean;
  isLinkFull: boolean;
  /** Of an old sparse member: blocks of its map follow before its data. */
  hasMapBlocks: boolean;
}

/** The header in `block`, or undefined if it is none whose checksum holds. */
export function headerIn(block: Buffer): TarHeader | undefined {
  if (block.length < BLOCK || !MAY_BEGIN_CHECKSUM.has(block[148])) return undefined;
  const header = parse(block);
  if (header?.cksumValid !== true || header.size === undefined) return undefined;
  const letter = String.fromCharCode(block[156]);
  const path = header.path ?? "";
  return {
    path,
    linkPath: header.linkpath ?? "",
    // Old archives have files called as folders for folders.
    type: header.type === "Directory" ? "5" : letter === "\0" ? "0" : letter,
    byteLength: header.size,
    isNameFull: block[98] !== 0,
    isLinkFull: block[255] !== 0,
    hasMapBlocks: block[482] !== 0,
  };
}

/** Octal digits and the space before them: this alone excludes most blocks that are no header. */
const MAY_BEGIN_CHECKSUM: ReadonlySet<number> = new Set(Buffer.from(" 01234567"));

/** The library throws if numbers are invalid. */
function parse(block: Buffer): Header | undefined {
  try {
    return new Header(block);
  } catch {
    return undefined;
  }
}

export function isZero(block: Buffer): boolean {
  return block.every((byte) => byte === 0);
}
