/** The entries of a tar archive (ustar, pax, GNU, v7), found by its headers alone, also after damage. */
import { posix } from "node:path";
import { memberName } from "./names.js";
import { looksLikePax, type PaxRecords, parsePax } from "./pax.js";
import { BLOCK, headerIn, isZero, type TarHeader } from "./tar-header.js";
import type { WindowReader } from "./window-reader.js";

/** Longest name or pax record that is accepted. */
const MAX_META = 1 << 20;

/** A member and where its data lies. */
export interface TarFile {
  path: string;
  offset: number;
  byteLength: number;
}

/** A member that stands for another one. */
export interface TarLink {
  path: string;
  /** The name of the other, as `memberName` gives it. */
  target: string;
}

/** A member that cannot be read, and why. */
interface TarUnreadable {
  path: string;
  problem: string;
}

/** A place where the archive is damaged, and the member there, if it is known. */
interface TarDamage {
  damage: string;
  path?: string;
}

export type TarEntry = TarFile | TarLink | TarUnreadable | TarDamage;

/**
 * Yields the entries of an archive, without its folders. If there is no header where one should be, that is a `damage`,
 * and reading goes on at the next block that is a header.
 */
export async function* entriesOf(reader: WindowReader): AsyncGenerator<TarEntry> {
  const scan: Scan = { reader, position: 0, told: new Map(), global: new Map() };
  let zeros = 0;
  for (;;) {
    const block = await reader.read(scan.position, BLOCK);
    if (block.length === 0) break;
    if (isZero(block)) {
      zeros++;
      scan.position += BLOCK;
      continue;
    }
    // An end mark has two blocks of zeros; archives joined by `cat` have end marks in between. A single block of zeros
    // is a lost header.
    const header = zeros === 1 ? undefined : headerIn(block);
    if (header === undefined || !(await isReadable(scan, header))) {
      const lost = zeros === 1 ? scan.position - BLOCK : scan.position;
      const found = await skipDamage(scan, lost);
      // After an end mark, anything but an archive is ignored.
      if (found || zeros < 2) yield { damage: await describeDamage(lost, found, scan) };
      if (!found) return;
    } else if (META_TYPES.has(header.type)) {
      await takeMeta(scan, header);
    } else {
      const entry = await takeMember(scan, header);
      if (entry !== undefined) yield entry;
      if (scan.isCut) return;
    }
    zeros = 0;
  }
  if (zeros > 0) return;
  yield { damage: `the archive has no end mark: it may have been cut off at byte ${await reader.size()}` };
}

/** The state of reading an archive. */
interface Scan {
  reader: WindowReader;
  /** Where the next header should be. */
  position: number;
  /** Values from the headers before a member. */
  told: PaxRecords;
  /** Values of global headers for all members that follow. */
  global: PaxRecords;
  /** The next member's name may be wrong, because the header with its name is damaged. */
  inDoubt?: boolean;
  /** Headers before the next member were lost. */
  afterDamage?: boolean;
  /** The archive ends inside a member. */
  isCut?: boolean;
}

/** Headers about the member that follows, or about all. */
const META_TYPES: ReadonlySet<string> = new Set("gxXLNK");
/** Members without data; their size field means something else. */
const BODILESS_TYPES: ReadonlySet<string> = new Set("23456");
/** Notes of some programs; no members. */
const NOTES: ReadonlySet<string> = new Set("5ADIV");

/** Whether the archive can have the data that `header` announces. */
async function isReadable({ reader, position, told, global }: Scan, { type, byteLength }: TarHeader): Promise<boolean> {
  if (META_TYPES.has(type)) return byteLength <= MAX_META && (await reader.has(position + BLOCK + byteLength));
  // Of any other number the next header would be looked for at a place that was read before.
  return [told, global].every((records) => /^\d{0,15}$/.test(records.get("size") ?? ""));
}

/** Goes to the next block after `lost` that is a header; false if there is none. */
async function skipDamage(scan: Scan, lost: number): Promise<boolean> {
  scan.told = new Map();
  scan.afterDamage = true;
  // The lost header may have been about the next member.
  if (looksLikePax(await scan.reader.read(lost + BLOCK, BLOCK))) scan.inDoubt = true;
  for (scan.position = lost + BLOCK; ; scan.position += BLOCK) {
    const block = await scan.reader.read(scan.position, BLOCK);
    if (block.length === 0) return false;
    if (headerIn(block) !== undefined) return true;
  }
}

async function describeDamage(lost: number, found: boolean, { reader, position }: Scan): Promise<string> {
  if (!(await reader.has(lost + BLOCK))) return `the archive ends inside a header at byte ${lost}`;
  const rest = found ? `what lies before byte ${position} cannot be read` : "nothing behind it can be read";
  return `the archive is damaged at byte ${lost}, and ${rest}`;
}

async function takeMeta(scan: Scan, { type, byteLength }: TarHeader): Promise<void> {
  const bytes = await scan.reader.read(scan.position + BLOCK, byteLength);
  scan.position = endOf(scan.position + BLOCK, byteLength);
  const key = LONG_NAMES[type];
  const records = key === undefined ? parsePax(bytes) : parseLongName(bytes, key);
  if (records === undefined) scan.inDoubt = true;
  for (const [name, value] of records ?? []) (type === "g" ? scan.global : scan.told).set(name, value);
}

/** Headers whose data is one value, and its name in pax. */
const LONG_NAMES: Partial<Record<string, string>> = { K: "linkpath", L: "path", N: "path" };

/** A name ends with a zero. */
function parseLongName(bytes: Buffer, key: string): PaxRecords | undefined {
  const end = bytes.indexOf(0);
  return end < 1 ? undefined : new Map([[key, bytes.toString("utf8", 0, end)]]);
}

/** Goes past the member; undefined for a folder and for anything that is no member. */
async function takeMember(scan: Scan, header: TarHeader): Promise<TarEntry | undefined> {
  const { told, global, reader } = scan;
  const isDoubtful = scan.inDoubt || (scan.afterDamage && hasMore(header, told));
  const path = told.get("GNU.sparse.name") ?? (told.get("path") || header.path);
  const target = told.get("linkpath") || header.linkPath;
  const stored = Number(told.get("size") || global.get("size") || header.byteLength);
  const offset = await dataOffset(scan, header);
  const type = header.type === "1" && (await hasData(scan.reader, offset, stored)) ? "0" : header.type;
  const byteLength = type === "1" || BODILESS_TYPES.has(type) ? 0 : stored;
  const isSparse = type === "S" || [...told.keys()].some((key) => key.startsWith("GNU.sparse."));
  Object.assign(scan, { position: endOf(offset, byteLength), told: new Map(), inDoubt: false, afterDamage: false });
  if (NOTES.has(type)) return undefined;
  scan.isCut = !(await reader.has(offset + byteLength));
  if (scan.isCut) return { damage: `the archive ends inside the member ${path}`, path };
  if (isDoubtful) return { damage: `what held the name of the member ${path} is damaged: it may be another`, path };
  const problem = isSparse ? SPARSE : PROBLEMS[type];
  if (problem !== undefined) return { path, problem };
  if (type === "1") return { path, target: memberName(target) };
  if (type === "2") return { path, target: memberName(besides(path, target)) };
  return { path, offset, byteLength };
}

/** Whether a name fills its field and so was probably longer, and no header before has the whole of it. */
function hasMore({ isNameFull, isLinkFull }: TarHeader, told: PaxRecords): boolean {
  return (isNameFull && !told.has("path")) || (isLinkFull && !told.has("linkpath"));
}

const SPARSE =
  "it is stored sparse, without its zeros, which canopy does not read: unpack it, or pack it as an ordinary file";

const PROBLEMS: Partial<Record<string, string>> = {
  3: "it is a device, not a file",
  4: "it is a device, not a file",
  6: "it is a pipe, not a file",
  M: "it is the rest of a file that began in another volume of the archive",
};

/** After the header, and after the map that some sparse members have. */
async function dataOffset({ reader, position }: Scan, { type, hasMapBlocks }: TarHeader): Promise<number> {
  let offset = position + BLOCK;
  for (let more = type === "S" && hasMapBlocks; more; offset += BLOCK) {
    const block = await reader.read(offset, BLOCK);
    more = block.length === BLOCK && block[504] !== 0;
  }
  return offset;
}

/** Some archives keep the data with a hard link, others only its size: then the next header comes at once. */
async function hasData(reader: WindowReader, offset: number, byteLength: number): Promise<boolean> {
  if (byteLength === 0) return false;
  const block = await reader.read(offset, BLOCK);
  return block.length > 0 && !isZero(block) && headerIn(block) === undefined;
}

function endOf(offset: number, byteLength: number): number {
  return offset + Math.ceil(byteLength / BLOCK) * BLOCK;
}

/** The target of a symbolic link of the member `path`. */
function besides(path: string, target: string): string {
  return posix.isAbsolute(target) ? target : posix.join(posix.dirname(path), target);
}
