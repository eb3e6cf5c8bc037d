/**
 * The benchmark page: a Markdown file generated from the reports of several runs. These lie beside it as JSON with all
 * their samples. A run replaces the report of the same kind and title, and the page is written again.
 */
import { existsSync, readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import * as v from "valibot";
import { InputError, OptionError } from "../errors.js";
import { parseJson } from "../files/read-json.js";
import { text } from "../files/schemas.js";
import { writeWhole } from "../files/write.js";
import { renderContenders } from "./chart.js";
import { type PageEntry, pageText } from "./page-text.js";

const KINDS = ["preprocess", "predict", "train"];

/** The content of reports is not checked: canopy wrote it. */
function reportOf<E extends PageEntry>() {
  return v.custom<E["report"]>((value) => typeof value === "object" && value !== null, "a report");
}

const pageData: v.GenericSchema<unknown, PageEntry[]> = v.array(
  v.variant("kind", [
    v.object({
      kind: v.literal("preprocess"),
      title: text,
      report: reportOf<Extract<PageEntry, { kind: "preprocess" }>>(),
    }),
    v.object({ kind: v.literal("predict"), title: text, report: reportOf<Extract<PageEntry, { kind: "predict" }>>() }),
    v.object({ kind: v.literal("train"), title: text, report: reportOf<Extract<PageEntry, { kind: "train" }>>() }),
  ]),
);

/** Puts `entry` into the page `file` (it ends in .md) and its data, and creates them if they are missing. */
export async function updatePage(file: string, entry: PageEntry): Promise<void> {
  checkPagePath(file);
  const data = dataPath(file);
  const entries = replaceEntry(readEntries(data), entry);
  const charts = entries.flatMap((each) => (each.kind === "preprocess" ? [each] : []));
  const chartOf = (title: string) => `${basename(file, ".md")}-${slug(title)}.svg`;
  for (const { title, report } of charts) {
    await writeWhole(join(dirname(file), chartOf(title)), renderContenders(report, slug(title)));
  }
  await writeWhole(data, `${JSON.stringify(entries)}\n`);
  await writeWhole(file, pageText(entries, basename(data), chartOf));
}

/** In its old place if there is one; kinds keep their order. */
function replaceEntry(entries: readonly PageEntry[], entry: PageEntry): PageEntry[] {
  const at = entries.findIndex(({ kind, title }) => kind === entry.kind && title === entry.title);
  const all = at < 0 ? [...entries, entry] : entries.with(at, entry);
  return all.sort((a, b) => KINDS.indexOf(a.kind) - KINDS.indexOf(b.kind));
}

/** Checks before anything is measured that the page can be written and its data read. */
export function checkPagePath(file: string): void {
  if (!file.endsWith(".md")) throw new OptionError(`Expected \`update\` to name a Markdown file (.md), got ${file}.`);
  if (!existsSync(dirname(file))) throw new InputError(`The folder of ${file} does not exist.`);
  readEntries(dataPath(file));
}

function dataPath(file: string): string {
  return file.replace(/\.md$/, ".json");
}

function readEntries(path: string): PageEntry[] {
  if (!existsSync(path)) return [];
  const advice = "It is not the data of a benchmark page: move it away.";
  return parseJson(readFileSync(path, "utf8"), pageData, { path, advice });
}

function slug(title: string): string {
  return title
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-")
    .replaceAll(/^-|-$/g, "");
}
