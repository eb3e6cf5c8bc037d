/** Tiles named line by line: `@list.txt`, a rejects file, or paths on stdin. */
import { InputError } from "../errors.js";
import { readRegular } from "../files/open-regular.js";
import { placeOf } from "../remote/address.js";
import { tilesOfArchive } from "./archive.js";
import type { WalkTally } from "./folder.js";
import { linesOf } from "./lines.js";
import { fileTile, isArchive } from "./names.js";
import { refusePackedName } from "./packed.js";
import { tilesOfRecords } from "./records.js";
import { type Addresses, takePath } from "./remote-input.js";
import type { Tile } from "./tile.js";

interface ListReading {
  /** Whether an archive's members are wanted. @default all are */
  isOurs?: (archive: string) => boolean;
  /** What messages call the list. @default its path */
  shown?: string | undefined;
  /** Those of the whole input. */
  addresses?: Addresses;
}

/**
 * Yields one tile per line of `file` (UTF-8; empty lines, CRLF and a byte-order mark are fine), in its order; a line
 * that is an archive stands for its members. Paths are relative to the working folder. Files are not checked here: a line
 * that is no readable file becomes a rejected tile later. A file that ends in .jsonl is a list of records: see
 * `tilesOfRecords`.
 */
export async function* tilesOfList(
  file: string,
  tally: WalkTally,
  { isOurs = () => true, shown = file, addresses = new Map() }: ListReading = {},
): AsyncGenerator<Tile> {
  if (/\.jsonl$/i.test(file)) return yield* tilesOfRecords(file, tally, addresses);
  for await (const line of linesOf(shown, readRegular(file))) {
    if (line.trim() === "") continue;
    if (line.includes("\0")) throw otherText(shown);
    refusePackedName(placeOf(line));
    const path = takePath(line, addresses);
    if (!isArchive(path)) yield fileTile(path);
    else if (isOurs(path)) yield* tilesOfArchive(path, tally);
  }
}

/** A path holds no zero byte. */
function otherText(shown: string): InputError {
  return new InputError(
    `${shown} holds bytes of zero, so it is no list of one path a line: save it as UTF-8, and leave out -print0 of find.`,
  );
}
