/** What INPUT arguments are: folders, files, archives, lists, patterns. */
import type { Stats } from "node:fs";
import { lstat, stat } from "node:fs/promises";
import { isAbsolute } from "node:path";
import { InputError, OptionError } from "../errors.js";
import { statIfThere } from "../files/facts.js";
import { readRegular } from "../files/open-regular.js";
import { isObject, isRemote } from "../remote/address.js";
import { archivesBelow } from "./folder.js";
import { linesOf } from "./lines.js";
import { hasTileExtension, isArchive } from "./names.js";
import { refusePackedFile, refusePackedName } from "./packed.js";
import { type Addresses, takePath, takeRemote } from "./remote-input.js";

/** One INPUT or several. */
export type TileInputs = string | readonly string[];

export interface InputItem {
  kind: "folder" | "file" | "archive" | "list";
  path: string;
  /** What messages call a list. @default path */
  shown?: string;
  /** Files beside the archive that are ignored. */
  others?: number;
}

/** Inputs as a list; anything else than paths is refused. */
export function listOf(input: TileInputs): readonly string[] {
  const inputs = typeof input === "string" ? [input] : input;
  if (Array.isArray(inputs) && inputs.every((each) => typeof each === "string")) return inputs;
  throw new OptionError("Expected inputs to be a path or a list of paths.");
}

/** The archives among `input`, in order. Throws an InputError for anything else, and if there is none. */
export async function archivesOf(input: TileInputs): Promise<string[]> {
  const archives: string[] = [];
  for (const each of listOf(input)) {
    for (const { kind, path } of await classify(each)) {
      if (kind === "archive") archives.push(path);
      else if (kind === "list") archives.push(...(await archivesInList(path)));
      else throw new InputError(`${path} is no archive, and holds none that could be read without its tiles.`);
    }
  }
  const remote = archives.find(isRemote);
  if (remote !== undefined) throw new InputError(`${remote} cannot be indexed: only archives on disks are.`);
  if (archives.length === 0) throw new InputError("No archives given: name .tar or .zip files, or a folder of them.");
  return archives;
}

/** The lines of a list that are archives. */
export async function archivesInList(path: string, shown: string = path): Promise<string[]> {
  const archives: string[] = [];
  if (/\.jsonl$/i.test(path)) return archives;
  for await (const line of linesOf(shown, readRegular(path))) {
    const path = takePath(line);
    if (isArchive(path)) archives.push(path);
  }
  return archives;
}

/** `-`, or `stdin:` if a lone dash is not possible. */
export function isStdin(input: string): boolean {
  return input === "-" || input === "stdin:";
}

/**
 * What `input` stands for: itself, the archives of a folder that holds archives and no tiles, or what a pattern
 * matches. `addresses`: those of the whole input. Throws an InputError if there is no such thing.
 */
export async function classify(input: string, signal?: AbortSignal, addresses?: Addresses): Promise<InputItem[]> {
  if (input.startsWith("@")) return [await listItem(input.slice(1))];
  if (isObject(input) && /^\w+:\/\/([^/]*|.*\/)$/.test(input)) return prefixItems(input, signal);
  if (isRemote(input)) return [remoteItem(input, addresses)];
  const info = await statInput(input);
  if (info === "missing") return matches(input);
  if (info?.isDirectory()) return folderItems(input);
  refusePackedName(input);
  refuseText(input);
  if (!isArchive(input) && !hasTileExtension(input)) await refusePackedFile(input);
  return [{ kind: isArchive(input) ? "archive" : "file", path: input }];
}

/** What text may list is meant, rather than itself. */
const TEXT = /\.(txt|csv|tsv|lst|list|jsonl)$/i;

/** @throws InputError for a file of text */
function refuseText(input: string): void {
  if (TEXT.test(input)) {
    throw new InputError(`${input} is text, and no tile. If it lists tiles, one path a line, give it as @${input}.`);
  }
}

function remoteItem(url: string, addresses: Addresses | undefined): InputItem {
  const path = takeRemote(url, addresses);
  if (isArchive(path)) return { kind: "archive", path };
  if (hasTileExtension(path)) return { kind: "file", path };
  throw new InputError(
    `${path} names neither a tile nor a tar: its path is to end as a file's name would, in .jpg or .tar.gz for example.`,
  );
}

/** The tiles below a prefix of a store, or its archives if there are no tiles: as of a folder. */
async function prefixItems(prefix: string, signal: AbortSignal | undefined): Promise<InputItem[]> {
  const { listObjects } = await import("../remote/object-store.js");
  const [tiles, archives]: InputItem[][] = [[], []];
  let others = 0;
  for await (const path of listObjects(prefix, signal)) {
    if (hasTileExtension(path)) tiles.push({ kind: "file", path: takeRemote(path) });
    else if (isArchive(path) && !/\.zip$/i.test(path)) archives.push({ kind: "archive", path: takeRemote(path) });
    else others++;
  }
  const items = tiles.length > 0 ? tiles : archives;
  if (tiles.length > 0) others += archives.length;
  if (items.length === 0) throw new InputError(`There are no tiles and no archives below ${prefix}.`);
  return items.map((item, i) => ({ ...item, ...(i === 0 && others > 0 && { others }) }));
}

async function listItem(path: string): Promise<InputItem> {
  if (isStdin(path)) throw new InputError("A list on standard input is given as -, without the @.");
  const info = await statInput(path);
  if (info === "missing") throw new InputError(`The list ${path} does not exist.`, { path });
  if (!info?.isFile()) throw new InputError(`The list ${path} is not a file.`, { path });
  return { kind: "list", path } as const;
}

async function folderItems(path: string): Promise<InputItem[]> {
  const { archives, others } = (await archivesBelow(path)) ?? { archives: [], others: 0 };
  if (archives.length === 0) return [{ kind: "folder", path }];
  return archives.map((each, i) => ({ kind: "archive", path: each, ...(i === 0 && { others }) }));
}

/** What a pattern matches that the shell has left as it is; sorted by code units. */
async function matches(pattern: string): Promise<InputItem[]> {
  if (!/[*?[{]/.test(pattern)) {
    throw new InputError(`The input ${pattern} does not exist.`, { path: pattern });
  }
  const { glob } = await import("tinyglobby");
  const slashed = process.platform === "win32" ? pattern.replaceAll("\\", "/") : pattern;
  const absolute = isAbsolute(pattern);
  const paths = await glob(slashed, { absolute, onlyFiles: false, expandDirectories: false });
  if (paths.length === 0) throw new InputError(`Nothing matches the input ${pattern}.`);
  const items = paths.map((path) => path.replace(/\/$/, "")).sort();
  return (await Promise.all(items.map((item) => classify(item)))).flat();
}

/** Undefined for a dead link, or if it may not be read: as a tile it will be rejected with its reason. */
async function statInput(path: string): Promise<Stats | undefined | "missing"> {
  const info = await stat(path).catch(() => undefined);
  if (info !== undefined) return info;
  return (await statIfThere(path, lstat)) === undefined ? "missing" : undefined;
}
