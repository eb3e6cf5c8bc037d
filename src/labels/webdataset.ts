/** WebDataset: a tar in which the labels of `a/1.jpg` are its neighbours `a/1.cls` or `a/1.json`. */
import { basename, posix } from "node:path";
import { FormatError } from "../errors.js";
import { openSource } from "../tiles/open-source.js";
import { entriesOf, type TarFile } from "../tiles/tar-entries.js";
import { WindowReader } from "../tiles/window-reader.js";
import { isObject } from "./json-file.js";
import { tableOfObjects } from "./json-lines.js";
import type { Table } from "./read-table.js";
import { isNameWord } from "./words.js";

type JsonObject = Record<string, unknown>;

/** A larger member is no label. */
const MOST_BYTES = 1 << 20;

/**
 * A row for each key of each of `archives`, with what its members say. @throws FormatError if there are no labels, or one
 * is damaged
 */
export async function openWebDataset(path: string, archives: readonly string[]): Promise<Table> {
  const rows: JsonObject[] = [];
  for (const archive of archives) {
    for (const [key, row] of await rowsOf(archive)) {
      // Archives of one set may each begin to count anew.
      rows.push({ ...row, __key__: archives.length === 1 ? key : `${basename(archive)}/${key}` });
    }
  }
  if (rows.length === 0) {
    const what = archives.length === 1 ? "is a tar archive" : "holds tar archives";
    throw new FormatError(
      path,
      `${path} ${what} without labels: WebDataset has a .cls or .json beside each picture. Name the file with the labels.`,
    );
  }
  const objects = rows.map((object, i) => ({ object, line: i + 1 }));
  const batches = (async function* () {
    yield objects;
  })();
  return tableOfObjects(path, "record", "webdataset", "utf-8", objects, batches);
}

/** By key. */
async function rowsOf(archive: string): Promise<Map<string, JsonObject>> {
  const source = await openSource(archive);
  const byKey = new Map<string, JsonObject>();
  try {
    const reader = new WindowReader(source);
    for await (const entry of entriesOf(reader)) {
      if (!("offset" in entry) || entry.byteLength > MOST_BYTES) continue;
      const [key, ending] = keyOf(entry.path);
      if (ending !== "cls" && ending !== "json") continue;
      // The reader's bytes are those of its window, which is at another place at the next header.
      const text = (await reader.read(entry.offset, entry.byteLength)).toString("utf8");
      const said = ending === "cls" ? { cls: text.trim() } : parseMember(archive, entry, text);
      byKey.set(key, { ...byKey.get(key), ...said });
    }
    return byKey;
  } finally {
    await source.close();
  }
}

/** WebDataset's key and ending: all up to the first point of the name, and all behind it. */
function keyOf(member: string): [key: string, ending: string] {
  const [stem, ...endings] = posix.basename(member).split(".");
  return [posix.join(posix.dirname(member), stem), endings.join(".").toLowerCase()];
}

/** Without names in the object: the member's own name says which tile is meant. */
function parseMember(path: string, { path: member }: TarFile, text: string): JsonObject {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new FormatError(path, `${path}: its member ${member} is not JSON.`, { cause });
  }
  if (!isObject(json)) throw new FormatError(path, `${path}: its member ${member} is no JSON object.`);
  return Object.fromEntries(Object.entries(json).filter(([key]) => !isNameWord(key)));
}
