/** Labels out of what labelling tools give back: a Label Studio JSON export, or samples as fiftyone.ts describes them. */
import { readFile } from "node:fs/promises";
import { FormatError, InputError } from "../errors.js";
import { toTileName } from "../tiles/labels.js";
import { nameFromImageUrl } from "./image-url.js";

export interface ImportedLabels {
  /** In the file's order; names are distinct. */
  rows: { name: string; tags: string[] }[];
  /** Tiles that nobody labelled, or that were skipped. */
  unlabelled: number;
  /** Tags that had to be spelled otherwise, as labels are separated by spaces: "slash burn" is slash_burn. */
  respelled: Map<string, string>;
}

interface ImportOptions {
  /** Name of the Label Studio control to read. @default all choices */
  control?: string | undefined;
}

/** What is read of a task or sample: null tags where nobody labelled it. */
interface Found {
  name: string;
  tags: string[] | null;
}

/**
 * Reads an export. Where a task was annotated more than once, the latest annotation counts.
 * @throws InputError where the file cannot be read; FormatError, naming the task, where it is neither kind or lacks something
 */
export async function readLabelExport(path: string, options: ImportOptions = {}): Promise<ImportedLabels> {
  const { kind, items } = findItems(path, await readJsonFile(path));
  const read = kind === "task" ? taskLabels : sampleLabels;
  const result: ImportedLabels = { rows: [], unlabelled: 0, respelled: new Map() };
  const seen = new Map<string, string>();
  items.forEach((item, i) => {
    const place = `${path}, ${kind} ${i + 1}${isObject(item) && "id" in item ? ` (id ${String(item["id"])})` : ""}`;
    const { name, tags } = read(item, (problem) => new FormatError(path, `${place}: ${problem}`), options);
    if (tags === null) {
      result.unlabelled++;
      return;
    }
    const earlier = seen.get(name);
    if (earlier !== undefined) {
      throw new FormatError(path, `${place}: tile ${name} is already labelled by ${earlier}.`);
    }
    seen.set(name, `${kind} ${i + 1}`);
    result.rows.push({ name, tags: [...new Set(tags.map((tag) => spell(tag, result.respelled)))] });
  });
  return result;
}

type Fail = (problem: string) => FormatError;
type JsonObject = Record<string, unknown>;

async function readJsonFile(path: string): Promise<unknown> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new InputError(code === "ENOENT" ? `There is no file ${path}.` : `Cannot read ${path}: ${message}.`, {
      cause: error,
    });
  }
  try {
    return JSON.parse(text.replace(/^\uFEFF/, ""));
  } catch (error) {
    throw new FormatError(
      path,
      `${path} is not JSON (${(error as Error).message.replace(/\s+/g, " ")}). Export from Label Studio as JSON, not as CSV.`,
      { cause: error },
    );
  }
}

function findItems(path: string, json: unknown): { kind: "task" | "sample"; items: unknown[] } {
  if (Array.isArray(json)) return { kind: "task", items: json };
  if (isObject(json) && Array.isArray(json["samples"])) return { kind: "sample", items: json["samples"] };
  throw new FormatError(
    path,
    `${path} holds neither Label Studio tasks (a list) nor FiftyOne samples (an object with "samples").`,
  );
}

function taskLabels(task: unknown, fail: Fail, options: ImportOptions): Found {
  if (!isObject(task) || !isObject(task["data"])) {
    throw fail("it has no data. Export from Label Studio as JSON, not as JSON-MIN.");
  }
  if (!Array.isArray(task["annotations"])) {
    throw fail("it has no annotations. Export from Label Studio as JSON, with the annotated tasks.");
  }
  const name = taskName(task["data"], fail);
  const latest = task["annotations"].filter(isSubmitted).sort(byTime).at(-1);
  if (latest === undefined) return { name, tags: null };
  if (!Array.isArray(latest["result"])) throw fail("an annotation has no result.");
  return { name, tags: latest["result"].flatMap((result) => chosenTags(result, fail, options)) };
}

/** The name canopy gave the task, or that of its picture. */
function taskName(data: JsonObject, fail: Fail): string {
  const { name, image } = data;
  if (typeof name === "string" && name !== "") return toTileName(name);
  const pictures = Object.values(data).filter((value) => typeof value === "string" && /\.\w+$/.test(value));
  const url = typeof image === "string" ? image : pictures.length === 1 ? (pictures[0] as string) : undefined;
  if (url === undefined) throw fail('its data names no picture: expected "image", or "name".');
  return nameFromImageUrl(url);
}

function isSubmitted(annotation: unknown): annotation is JsonObject {
  return isObject(annotation) && annotation["was_cancelled"] !== true;
}

/** Times are ISO 8601 in UTC, so their text sorts; equal or absent ones keep the order of the file. */
function byTime(a: JsonObject, b: JsonObject): number {
  const [first, second] = [a, b].map((each) => String(each["updated_at"] ?? each["created_at"] ?? ""));
  return first < second ? -1 : first > second ? 1 : 0;
}

function chosenTags(result: unknown, fail: Fail, { control }: ImportOptions): string[] {
  if (!isObject(result) || result["type"] !== "choices") return [];
  if (control !== undefined && result["from_name"] !== control) return [];
  const value = result["value"];
  if (!isObject(value) || !isTextList(value["choices"])) throw fail("a result has no list of choices.");
  return value["choices"];
}

function sampleLabels(sample: unknown, fail: Fail): Found {
  if (!isObject(sample)) throw fail("it is not an object.");
  const { name, filepath, ground_truth: truth } = sample;
  const called = typeof name === "string" && name !== "" ? name : filepath;
  if (typeof called !== "string") throw fail("it has neither name nor filepath.");
  if (truth === null || truth === undefined) return { name: toTileName(called), tags: null };
  const labels = Array.isArray(truth) ? truth.map((each) => (isObject(each) ? each["label"] : each)) : undefined;
  if (!isTextList(labels)) throw fail('its ground_truth is not a list of {"label": "..."}.');
  return { name: toTileName(called), tags: labels };
}

function spell(tag: string, respelled: Map<string, string>): string {
  const spelled = tag.trim().replace(/\s+/g, "_");
  if (spelled !== tag) respelled.set(tag, spelled);
  return spelled;
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isTextList(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((each) => typeof each === "string" && each.trim() !== "");
}
