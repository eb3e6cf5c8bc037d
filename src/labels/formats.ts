/** The formats of label files: how each is recognised and read. */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { InputError } from "../errors.js";
import { archivesBelow } from "../tiles/folder.js";
import { explainReading, type LabelFile, openLabelFile } from "./bytes.js";
import { openDelimited } from "./delimited.js";
import { readFolders } from "./folders.js";
import { isObject, readCoco, readJsonValue, readObjects } from "./json-file.js";
import { openJsonLines, RECORD_SEPARATOR } from "./json-lines.js";
import { readSamples, readTasks } from "./labelling-tools.js";
import { checkLabelOptions, type LabelFormatName, type LabelOptions, refuseTableOptions } from "./options.js";
import { openParquet } from "./parquet.js";
import { readTable } from "./read-table.js";
import type { LabelTable } from "./table.js";
import { openWebDataset } from "./webdataset.js";
import { isNameWord } from "./words.js";

export interface ReadLabelsOptions extends LabelOptions {
  /** Name of the Label Studio control to read. @default all choices */
  control?: string | undefined;
}

interface LabelFormat {
  names: readonly LabelFormatName[];
  /** Whether a file looks like this format; without `labelFormat`, the first format that matches reads it. */
  recognises(file: LabelFile): boolean;
  read(file: LabelFile, options: ReadLabelsOptions): Promise<LabelTable>;
}

const FORMATS: readonly LabelFormat[] = [
  {
    names: ["folders"],
    recognises: ({ isFolder }) => isFolder,
    read: ({ path }, options) => readFolders(path, options),
  },
  {
    names: ["parquet"],
    recognises: ({ head }) => head.toString("latin1", 0, 4) === "PAR1",
    read: async (file, options) => readTable(await openParquet(file, options), options),
  },
  {
    names: ["webdataset"],
    recognises: ({ head }) => head.toString("latin1", 257, 262) === "ustar",
    read: async ({ path }, options) => readTable(await openWebDataset(path, [path]), options),
  },
  {
    names: ["jsonl"],
    recognises: (file) =>
      startOf(file).startsWith("{") && (/\.(jsonl|ndjson|geojsonl|geojsons)$/i.test(file.path) || isJsonLine(file)),
    read: async (file, options) => readTable(await openJsonLines(file), options),
  },
  {
    names: ["json", "coco", "label-studio", "fiftyone"],
    recognises: (file) => /^[[{]/.test(startOf(file)),
    read: readJson,
  },
  {
    names: ["csv", "tsv"],
    recognises: () => true,
    read: async (file, options) => readTable(await openDelimited(file, options), options),
  },
];

/** For any table, however it is stored. */
const LAYOUTS: readonly (LabelFormatName | undefined)[] = ["multi-hot", "long"];

/**
 * Reads a label file, or a folder of folders, whatever its format; docs/labels.md has them all. Its rows are in the file's order.
 *
 * @throws InputError if there is no such file, no such column, or nothing is labelled
 * @throws FormatError if it is damaged, ambiguous or contradicts itself; the message names the line, and the option
 * that decides
 */
export async function readLabels(path: string, options: ReadLabelsOptions = {}): Promise<LabelTable> {
  checkLabelOptions(options);
  const file = await fileIn(await openLabelFile(path), options);
  const { labelFormat } = options;
  const archives = file.isFolder && labelFormat !== "folders" ? await archivesBelow(path) : undefined;
  if (archives !== undefined) return readTable(await openWebDataset(path, archives.archives), options);
  const format = FORMATS.find((each) =>
    labelFormat === undefined || LAYOUTS.includes(labelFormat)
      ? each.recognises(file)
      : each.names.includes(labelFormat),
  ) as LabelFormat;
  if (file.isFolder !== format.names.includes("folders")) throw notOfFormat(file, labelFormat);
  try {
    return await format.read(file, options);
  } catch (error) {
    throw explainReading(file.path, error as NodeJS.ErrnoException);
  }
}

function notOfFormat({ path, isFolder }: LabelFile, labelFormat: LabelFormatName | undefined): InputError {
  return new InputError(
    `${path} is a ${isFolder ? "folder" : "file"}, so it cannot be read as ${labelFormat} (\`labelFormat\`).`,
  );
}

/** Label files that lie beside pictures. */
const BESIDE: ReadonlySet<string> = new Set(["metadata.csv", "metadata.jsonl", "metadata.parquet", "_classes.csv"]);

/** In a folder, the file that labels what is in it. */
async function fileIn(file: LabelFile, { labelFormat }: LabelOptions): Promise<LabelFile> {
  if (!file.isFolder || labelFormat === "folders") return file;
  const inside = (await readdir(file.path)).find((name) => BESIDE.has(name));
  return inside === undefined ? file : openLabelFile(join(file.path, inside));
}

function startOf({ head }: LabelFile): string {
  return head
    .toString("latin1")
    .replaceAll("\0", "")
    .replaceAll(RECORD_SEPARATOR, "")
    .replace(/^(\xef\xbb\xbf|\xff\xfe|\xfe\xff)?\s*/, "");
}

/** Whether the first line is an object that names a tile, or another object comes after it. */
function isJsonLine(file: LabelFile): boolean {
  const [line, ...others] = startOf(file).split(/[\r\n]+/);
  try {
    const json = JSON.parse(line);
    return others[0]?.startsWith("{") || Object.keys(json).some(isNameWord);
  } catch {
    return false;
  }
}

async function readJson(file: LabelFile, options: ReadLabelsOptions): Promise<LabelTable> {
  const { path } = file;
  const { labelFormat, control } = options;
  const json = await readJsonValue(file);
  if (labelFormat === "json") return readObjects(path, json, options);
  const kind = labelFormat === undefined || LAYOUTS.includes(labelFormat) ? kindOfJson(json) : labelFormat;
  if (kind === "json") return readObjects(path, json, options);
  refuseTableOptions(path, kind, options);
  if (kind === "coco") return readCoco(path, json);
  return kind === "fiftyone" ? readSamples(path, json) : readTasks(path, json, control);
}

function kindOfJson(json: unknown): LabelFormatName {
  if (isObject(json) && Array.isArray(json["samples"])) return "fiftyone";
  if (isObject(json) && ("images" in json || "annotations" in json)) return "coco";
  return Array.isArray(json) && json.some((task) => isObject(task) && isObject(task["data"])) ? "label-studio" : "json";
}
