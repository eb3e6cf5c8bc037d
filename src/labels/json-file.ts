/** Files that are one JSON value: COCO, Label Studio, FiftyOne samples, and lists of objects. */
import * as v from "valibot";
import { FormatError, InputError } from "../errors.js";
import { refuseHugeJson } from "../files/json-size.js";
import { checkJson } from "../files/read-json.js";
import { detectEncoding, type LabelFile, textOf } from "./bytes.js";
import { addRow, type Collector, cleanTags, createCollector, type FileFacts, finishTable } from "./collect.js";
import { tableOfObjects, UNKNOWN_JSON, withoutGeometry } from "./json-lines.js";
import { hasImageExtension } from "./names.js";
import type { LabelOptions } from "./options.js";
import { readTable } from "./read-table.js";
import type { LabelTable } from "./table.js";

/** Longest string of Node. */
const MAX_BYTES = 500 << 20;

/** @throws FormatError if the file is no JSON, InputError if it is too large for one */
export async function readJsonValue(file: LabelFile): Promise<unknown> {
  const { path, size } = file;
  if (size > MAX_BYTES) {
    throw new InputError(
      `${path} is one JSON value of more than ${MAX_BYTES >> 20} MiB: write it as JSON lines (.jsonl), CSV or Parquet.`,
    );
  }
  const pieces: string[] = [];
  for await (const piece of textOf(file, await detectEncoding(file))) pieces.push(piece);
  const text = pieces.join("");
  refuseHugeJson(path, text);
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new FormatError(
      path,
      `${path} is not JSON (${(cause as Error).message.replace(/\s+/g, " ").slice(0, 120)}). Is the whole file there?`,
      { cause },
    );
  }
}

type JsonObject = Record<string, unknown>;

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function jsonFacts(format: string, unit: FileFacts["unit"], name: string, tags: string): FileFacts {
  return {
    format,
    unit,
    encoding: null,
    delimiter: null,
    header: null,
    nameColumn: name,
    tagColumns: [tags],
    multiHot: false,
    separator: "list",
    splitColumn: null,
    unusedSplit: null,
    labelledColumn: null,
    ignoredColumns: [],
  };
}

/** An object of lists of tags by the names of tiles. */
function isMapping(json: unknown): json is Record<string, unknown[]> {
  return isObject(json) && Object.values(json).every(Array.isArray) && Object.keys(json).some(hasImageExtension);
}

function featuresIn(json: unknown): unknown {
  return isObject(json) && json["type"] === "FeatureCollection" ? json["features"] : json;
}

/** A list of objects, as data frames write themselves, GeoJSON's features, or an object of lists: read as JSON lines are. */
export async function readObjects(path: string, value: unknown, options: LabelOptions): Promise<LabelTable> {
  const json = isMapping(value) ? Object.entries(value).map(([file, tags]) => ({ file, tags })) : featuresIn(value);
  if (!Array.isArray(json) || !json.every(isObject)) {
    throw new FormatError(path, `${path} ${UNKNOWN_JSON}`);
  }
  const objects = json.map((object: JsonObject, i) => ({ object: withoutGeometry(object), line: i + 1 }));
  // Everything is in memory, so that everything is the sample.
  return readTable(
    tableOfObjects(
      path,
      "record",
      "json",
      "utf-8",
      objects,
      (async function* () {
        yield objects;
      })(),
    ),
    options,
  );
}

const COCO = v.object({
  images: v.array(v.object({ id: v.union([v.number(), v.string()]), file_name: v.string() })),
  annotations: v.array(
    v.object({
      image_id: v.union([v.number(), v.string()]),
      category_id: v.union([v.number(), v.string()]),
      score: v.exactOptional(v.unknown()),
    }),
  ),
  categories: v.array(v.object({ id: v.union([v.number(), v.string()]), name: v.string() })),
});

/** The categories of a picture's annotations are its tags. */
export function readCoco(path: string, json: unknown): LabelTable {
  const { images, annotations, categories } = checkJson(json, COCO, { path, advice: "Export it as COCO again." });
  const collector = createCollector(path, jsonFacts("coco", "image", "images.file_name", "categories.name"));
  refuseTwice(path, "image", images);
  refuseTwice(path, "category", categories);
  const names = new Map(categories.map(({ id, name }) => [id, name]));
  const tagsOf = new Map<string | number, Set<string>>(images.map(({ id }) => [id, new Set()]));
  annotations.forEach(({ image_id, category_id, score = 1 }, i) => {
    if (score !== 1)
      throw new FormatError(
        path,
        `${path}, annotation ${i + 1}: it has a score of ${JSON.stringify(score)}, as predictions have. Keep those that apply, without scores.`,
      );
    const [tags, name] = [tagsOf.get(image_id), names.get(category_id)];
    if (tags !== undefined && name !== undefined) tags.add(name);
    else {
      const lacking = tags === undefined ? `image ${image_id}` : `category ${category_id}`;
      throw new FormatError(path, `${path}, annotation ${i + 1}: there is no ${lacking}. Export it as COCO again.`);
    }
  });
  images.forEach(({ id, file_name }, i) => {
    addTags(collector, file_name, [...(tagsOf.get(id) ?? [])], i + 1);
  });
  return finishTable(collector);
}

function refuseTwice(path: string, what: string, all: readonly { id: string | number }[]): void {
  const seen = new Set<string | number>();
  for (const { id } of all) {
    if (seen.has(id)) throw new FormatError(path, `${path}: there are two of ${what} ${id}. Export it as COCO again.`);
    seen.add(id);
  }
}

/** A tile of an export in which each tag is a text of its own. */
export function addTags(collector: Collector, name: string, tags: readonly string[] | undefined, line: number): void {
  addRow(collector, name, tags && cleanTags(collector, tags, line), line);
}
