/** A report in a model's folder: report.json, the data, and report.html, the page made of it. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { FormatError, InputError } from "../errors.js";
import { type FileContent, writeTogether } from "../files/write.js";
import { REPORT_VERSION, type ReportData } from "./data.js";
import { renderReport } from "./page.js";

export interface WrittenReport {
  /** Where the page is. */
  path: string;
  byteLength: number;
}

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
  const data = await readReport(dir);
  let page: string;
  try {
    page = renderReport(data);
  } catch (error) {
    // Data of the right version that lacks parts was edited or cut: say so rather than "undefined is not ...".
    const path = join(dir, DATA_FILE);
    throw new FormatError(
      path,
      `${path} lacks parts of a report (${(error as Error).message}); train the model again to get a new one.`,
      { cause: error },
    );
  }
  const file = pageOf(dir, page);
  await writeTogether([file]);
  return written(file);
}

/**
 * Reads report.json of a model's folder.
 *
 * @throws InputError where there is none
 * @throws FormatError where it is not a report, or one of another version
 */
export async function readReport(dir: string): Promise<ReportData> {
  const path = join(dir, DATA_FILE);
  const data = parse(path, await readText(path, dir));
  if (typeof data !== "object" || data === null || !("version" in data)) {
    throw new FormatError(path, `${path} is not a canopy report; train the model again to get one.`);
  }
  if (data.version !== REPORT_VERSION) {
    throw new FormatError(
      path,
      `${path} has version ${JSON.stringify(data.version)}, this canopy reads ${REPORT_VERSION}; use the canopy that wrote it, or train again.`,
    );
  }
  return data as ReportData;
}

async function readText(path: string, dir: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new InputError(
      code === "ENOENT" || code === "ENOTDIR"
        ? `There is no ${DATA_FILE} in ${dir}: name the folder that \`canopy train --out\` wrote.`
        : `Cannot read ${path}: ${message}.`,
      { cause: error },
    );
  }
}

function parse(path: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new FormatError(path, `${path} is damaged: it is not JSON. Train the model again to get a new one.`, {
      cause: error,
    });
  }
}

function pageOf(dir: string, page: string): FileContent {
  return { path: join(dir, PAGE_FILE), content: page };
}

function written({ path, content }: FileContent): WrittenReport {
  return { path, byteLength: Buffer.byteLength(content) };
}
