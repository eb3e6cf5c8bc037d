/** Exports of labelling tools: Label Studio's tasks, and FiftyOne's samples as docs/curation.md describes them. */
import { FormatError } from "../errors.js";
import { createCollector, finishTable } from "./collect.js";
import { addTags, isObject, jsonFacts } from "./json-file.js";
import { withFolders } from "./names.js";
import type { LabelTable } from "./table.js";

type JsonObject = Record<string, unknown>;
type Fail = (problem: string) => FormatError;

/** The part of a task or sample that is read: no tags without a label. */
interface Found {
  name: string;
  tags: string[] | undefined;
}

/**
 * If a task was annotated more than once, the latest annotation is used. `control`: the one to read; all without it.
 */
export function readTasks(path: string, tasks: unknown, control: string | undefined): LabelTable {
  if (!Array.isArray(tasks))
    throw new FormatError(path, `${path} is no list of Label Studio's tasks. Export from Label Studio as JSON.`);
  const collector = createCollector(path, jsonFacts("label-studio", "task", "data", control ?? "choices"));
  tasks.forEach((task, i) => {
    const { name, tags } = readTask(task, failAt(path, "task", task, i), control);
    addTags(collector, name, tags, i + 1);
  });
  return finishTable(collector);
}

export function readSamples(path: string, json: unknown): LabelTable {
  const samples = isObject(json) ? json["samples"] : undefined;
  if (!Array.isArray(samples))
    throw new FormatError(
      path,
      `${path} has no list of "samples": see docs/curation.md for what FiftyOne should write.`,
    );
  const collector = createCollector(path, jsonFacts("fiftyone", "sample", "filepath", "ground_truth"));
  samples.forEach((sample, i) => {
    const { name, tags } = readSample(sample, failAt(path, "sample", sample, i));
    addTags(collector, name, tags, i + 1);
  });
  return finishTable(collector);
}

function failAt(path: string, kind: string, item: unknown, i: number): Fail {
  const id = isObject(item) && "id" in item ? ` (id ${String(item["id"])})` : "";
  return (problem) => new FormatError(path, `${path}, ${kind} ${i + 1}${id}: ${problem}`);
}

function readTask(task: unknown, fail: Fail, control: string | undefined): Found {
  if (!isObject(task) || !isObject(task["data"])) {
    throw fail("it has no data. Export from Label Studio as JSON.");
  }
  if (!Array.isArray(task["annotations"])) {
    throw fail("it has no annotations. Export from Label Studio as JSON, with the annotated tasks.");
  }
  const name = taskName(task["data"], fail);
  const latest = task["annotations"].filter(isSubmitted).sort(byTime).at(-1);
  if (latest === undefined) return { name, tags: undefined };
  if (!Array.isArray(latest["result"])) throw fail("an annotation has no result.");
  return { name, tags: latest["result"].flatMap((result) => chosenTags(result, fail, control)) };
}

/** The name canopy gave the task, or that of its picture. */
function taskName(data: JsonObject, fail: Fail): string {
  const { name, path, image } = data;
  if (typeof name === "string" && name !== "") return withFolders(name, path);
  const pictures = Object.values(data).filter((value) => typeof value === "string" && /\.\w+$/.test(value));
  const url = typeof image === "string" ? image : pictures.length === 1 ? (pictures[0] as string) : undefined;
  if (url === undefined) throw fail('its data names no picture: expected "image", or "name".');
  return url;
}

function isSubmitted(annotation: unknown): annotation is JsonObject {
  return isObject(annotation) && annotation["was_cancelled"] !== true;
}

/** Times are ISO 8601 in UTC, so their text sorts; equal or absent ones keep the order of the file. */
function byTime(a: JsonObject, b: JsonObject): number {
  const [first, second] = [a, b].map((each) => String(each["updated_at"] ?? each["created_at"] ?? ""));
  return first < second ? -1 : first > second ? 1 : 0;
}

function chosenTags(result: unknown, fail: Fail, control: string | undefined): string[] {
  if (!isObject(result) || result["type"] !== "choices") return [];
  if (control !== undefined && result["from_name"] !== control) return [];
  const value = result["value"];
  if (!isObject(value) || !isTextList(value["choices"])) throw fail("a result has no list of choices.");
  return value["choices"];
}

function readSample(sample: unknown, fail: Fail): Found {
  if (!isObject(sample)) throw fail("it is not an object.");
  const { name, filepath, ground_truth: truth } = sample;
  const called = typeof name === "string" && name !== "" ? withFolders(name, filepath) : filepath;
  if (typeof called !== "string") throw fail("it has neither name nor filepath.");
  if (truth === null || truth === undefined) return { name: called, tags: undefined };
  const labels = Array.isArray(truth) ? truth.map((each) => (isObject(each) ? each["label"] : each)) : undefined;
  if (!isTextList(labels)) throw fail('its ground_truth is not a list of {"label": "..."}.');
  return { name: called, tags: labels };
}

function isTextList(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((each) => typeof each === "string" && each.trim() !== "");
}
