/** A folder for each tag, with the tiles that have it. */
import { readdir } from "node:fs/promises";
import { join, relative, sep } from "node:path";
import { InputError } from "../errors.js";
import { walkFolder } from "../tiles/folder.js";
import { addRow, type Collector, cleanTags, createCollector, finishTable } from "./collect.js";
import { noteDoubt } from "./doubts.js";
import { type LabelOptions, refuseTableOptions } from "./options.js";
import { readPart } from "./parts.js";
import type { LabelTable } from "./table.js";
import { isContentWord } from "./words.js";

const PART = /^(train|training|val|valid|validation|dev|test|testing)$/i;

/** Reads `folder/TAG/.../tile.jpg`, and `folder/PART/TAG/.../tile.jpg` if all folders have names of parts. */
export async function readFolders(path: string, { split, ...options }: LabelOptions): Promise<LabelTable> {
  refuseTableOptions(path, "folders", options);
  const entries = await readdir(path, { withFileTypes: true });
  const folders = entries.filter((entry) => entry.isDirectory() && !isHidden(entry.name)).map(({ name }) => name);
  const inParts = folders.length > 0 && folders.every((name) => PART.test(name));
  if (!inParts) refuseMixture(path, folders);
  const told = options.labelFormat === "folders";
  if (split !== undefined && (split !== "split" || !inParts)) {
    throw new InputError(
      `${path} has no column ${JSON.stringify(split)} (\`split\`): \`split\` is the one that folders train, val and test make.`,
    );
  }
  const collector = createCollector(path, factsOf(inParts, split));
  let line = 0;
  for await (const { path: file } of walkFolder(path, { ignored: 0 }))
    addFile(collector, relative(path, file), ++line, inParts);
  const plain = collector.rows.find(({ tags }) => !told && isContentWord(tags[0] ?? ""));
  if (plain !== undefined) throw noTag(path, plain.tags[0]);
  if (collector.rows.length === 0) {
    throw new InputError(
      `${path} holds no labels: expected a folder for each tag with tiles in it, or name the file with the labels.`,
    );
  }
  return finishTable(collector);
}

function noTag(path: string, folder: string): InputError {
  return new InputError(
    `${path} holds its pictures in a folder ${folder}, which says what is in it and is probably no tag. Name the file with ` +
      'the labels (boxes of YOLO: export them as COCO), or say `labelFormat: "folders"` if it is one.',
  );
}

function isHidden(name: string): boolean {
  return name.startsWith(".") || name === "__MACOSX";
}

/** Folders for parts of the data set beside others: the parts would be taken for tags. */
function refuseMixture(path: string, folders: readonly string[]): void {
  const parts = folders.filter((name) => PART.test(name));
  const other = folders.find((name) => !PART.test(name));
  if (parts.length < 2 || other === undefined) return;
  throw new InputError(
    `${path} holds folders for parts of a data set (${parts.join(", ")}) and ${other}. ` +
      "Move what is no part elsewhere, or name the folder of one part.",
  );
}

function addFile(collector: Collector, file: string, line: number, inParts: boolean): void {
  const parts = file.split(sep);
  const place = inParts ? 1 : 0;
  if (parts.length < place + 2) return void noteDoubt(collector.doubts, "UNLABELLED", file);
  if (isHidden(parts[0])) return;
  if (parts.length > place + 2) noteDoubt(collector.doubts, "DEEPER_FOLDERS", file);
  const part = collector.facts.splitColumn === null ? undefined : readPart(parts[0], "split", line, collector.fail);
  addRow(collector, join(...parts), cleanTags(collector, [parts[place]], line), line, part);
}

function factsOf(inParts: boolean, split: string | undefined) {
  return {
    format: "folders",
    unit: "file" as const,
    encoding: null,
    delimiter: null,
    header: null,
    nameColumn: null,
    tagColumns: [],
    multiHot: false,
    separator: null,
    splitColumn: split ?? null,
    unusedSplit: inParts && split === undefined ? "split" : null,
    labelledColumn: null,
    ignoredColumns: [],
  };
}
