/**
 * Archives and compressed files that cannot be read in place: recognised by name and by first bytes, and refused with
 * advice.
 */
import { InputError } from "../errors.js";
import { openRegular } from "../files/open-regular.js";

/** File name endings and what such files are. */
const ENDINGS: readonly (readonly [RegExp, string])[] = [
  [/\.(tbz2?|txz|tlz|taz|tar\.(bz2|xz|lz4|lzma|lz|br|z))$/i, "a compressed archive"],
  [/\.zipx$/i, "a zip archive"],
  [/\.7z(\.001)?$/i, "a 7z archive"],
  [/\.rar$/i, "a RAR archive"],
  [/\.(cab|cpio|iso|lha|lzh|squashfs)$/i, "an archive"],
  [/(?<!\.tar)\.(gz|bz2|xz|zst|lz4|lzma)$/i, "a compressed file"],
];

/** First bytes in hexadecimal, and the tool that unpacks what follows. pzstd begins with a frame that is skipped. */
const COMPRESSION = { gzip: /^1f8b/, zstd: /^(28b52ffd|5.2a4d18)/, xz: /^fd377a585a00/, bzip2: /^425a68/ };
const ARCHIVES = {
  "a zip archive": /^504b0304/,
  "an empty zip archive": /^504b0506/,
  "a 7z archive": /^377abcaf271c/,
  "a RAR archive": /^526172211a07/,
};

/** The tool that unpacks what begins with `head`, or undefined if it does not look compressed. */
export function compressionOf(head: Buffer): string | undefined {
  return nameOf(head, COMPRESSION);
}

function nameOf(head: Buffer, magic: Record<string, RegExp>): string | undefined {
  return Object.keys(magic).find((name) => magic[name].test(head.toString("hex", 0, 6)));
}

export function isPacked(path: string): boolean {
  return ENDINGS.some(([ending]) => ending.test(path));
}

/** Throws an InputError if the name is that of a packed file. */
export function refusePackedName(path: string): void {
  const [, kind] = ENDINGS.find(([ending]) => ending.test(path)) ?? [];
  if (kind !== undefined) throw packed(path, kind);
}

/** The same by the first bytes. Unreadable files are not refused here. */
export async function refusePackedFile(path: string): Promise<void> {
  const file = await openRegular(path).catch(() => undefined);
  if (file === undefined) return;
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(6), 0, 6, 0);
    refusePackedBytes(path, buffer.subarray(0, bytesRead));
  } finally {
    await file.close();
  }
}

/** The same for the first bytes of `path`. */
export function refusePackedBytes(path: string, head: Buffer): void {
  const archive = nameOf(head, ARCHIVES);
  if (archive?.endsWith("zip archive"))
    throw new InputError(`${path} is ${archive}: call it .zip, and it is read as one.`);
  if (archive !== undefined) throw packed(path, archive);
  const tool = compressionOf(head);
  if (tool === undefined) return;
  const ending = { gzip: ".tar.gz", zstd: ".tar.zst" }[tool];
  const remedy =
    ending === undefined
      ? `unpack it first (${tool} -d), or pipe it in (${tool} -dc FILE | canopy ... -)`
      : `call it ${ending} if it is a tar`;
  throw new InputError(`${path} is compressed with ${tool}, and its members cannot be read in place: ${remedy}.`);
}

function packed(path: string, kind: string): InputError {
  const remedy =
    kind === "a compressed archive"
      ? "make it a .tar, .tar.gz or .tar.zst, or pipe it in (... | canopy ... -)"
      : UNPACK;
  return new InputError(`${path} is ${kind}, and its members cannot be read in place: ${remedy}.`);
}

const UNPACK = "unpack it and name the folder, or make it a .tar or .zip, which are read in place";
