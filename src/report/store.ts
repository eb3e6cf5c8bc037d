/** A report in a model's folder: report.json, the data, and report.html, the page made of it. */
import { join } from "node:path";
import * as v from "valibot";
import { FormatError, InputError } from "../errors.js";
import { checkJson, readJson } from "../files/read-json.js";
import { type FileContent, writeTogether } from "../files/write.js";
import { REPORT_VERSION, type ReportData, reportData } from "./data.js";
import { renderReport } from "./page.js";

export interface WrittenReport {
  /** Where the page is. */
  path: string;
  byteLength: number;
}

const ADVICE = { advice: "Train the model again to get a new one." };
const DATA_FILE = "report.json";
const PAGE_FILE = "report.html";

/** Writes report.json and report.html into the existing folder `dir`. */
export async function writeReport(dir: string, data: ReportData): Promise<WrittenReport> {
  const page = pageOf(dir, renderReport(data));
  await writeTogether([{ path: join(dir, DATA_FILE), content: `${JSON.stringify(data)}\n` }, page]);
  return written(page);
}

/** Renders report.html in `dir` again from report.json. Errors are those of `readReport`. */
export async function rewriteReport(dir: string): Promise<WrittenReport> {
  const page = pageOf(dir, renderReport(await readReport(dir)));
  await writeTogether([page]);
  return written(page);
}

/**
 * Reads report.json of a model's folder.
 *
 * @throws InputError if there is none
 * @throws FormatError if it is not a report, or one of another version, by the key that is wrong
 */
export async function readReport(dir: string): Promise<ReportData> {
  const path = join(dir, DATA_FILE);
  const data = (await readJson(path, v.looseObject({ version: v.unknown() }), ADVICE)) ?? noReport(dir);
  const { version } = data;
  if (version !== REPORT_VERSION) {
    throw new FormatError(
      path,
      `${path} has version ${JSON.stringify(version)}, this canopy reads ${REPORT_VERSION}; use the canopy that wrote it, or train again.`,
    );
  }
  return checkJson(data, reportData, { path, ...ADVICE });
}

function noReport(dir: string): never {
  throw new InputError(`There is no ${DATA_FILE} in ${dir}: name the folder that \`canopy train --out\` wrote.`);
}

function pageOf(dir: string, page: string): FileContent {
  return { path: join(dir, PAGE_FILE), content: page };
}

function written({ path, content }: FileContent): WrittenReport {
  return { path, byteLength: Buffer.byteLength(content) };
}
