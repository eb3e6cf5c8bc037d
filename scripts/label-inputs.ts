/** The table of docs/labels.md: what canopy does with each of the label files that its tests make. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readLabels } from "../src/labels/formats.js";
import { INPUTS, type LabelInput, writeInput } from "../test/labels/inputs.js";

const BEGIN = "<!-- Written by `npm run docs` from test/labels/inputs.ts; what is changed here is lost. -->";
const END = "<!-- End of what `npm run docs` writes. -->";

/** `page` with its table written again. */
export async function updateLabelInputs(page: string): Promise<string> {
  const [from, to] = [page.indexOf(BEGIN), page.indexOf(END)];
  if (from < 0 || to < from) throw new Error(`The page has no ${BEGIN} before ${END}.`);
  return `${page.slice(0, from)}${BEGIN}\n${await renderTable()}\n${page.slice(to)}`;
}

async function renderTable(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "canopy-docs-"));
  try {
    const rows: string[] = [];
    for (const [i, input] of INPUTS.entries()) rows.push(await renderRow(input, join(folder, String(i))));
    return ["| input | what canopy does | reference |", "|---|---|---|", ...rows].join("\n");
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function renderRow(input: LabelInput, folder: string): Promise<string> {
  const { what, said, reference } = input;
  const cells = [said === undefined ? what : `${what}: ${said}`, await tryInput(input, folder), reference];
  return `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
}

async function tryInput(input: LabelInput, folder: string): Promise<string> {
  const path = writeInput(input, folder);
  try {
    const { doubts } = await readLabels(path, input.options);
    // So few tiles always have a tag that is on one of them alone.
    const codes = doubts.map(({ code }) => code).filter((code) => code !== "SINGLE_TILE_TAGS");
    return codes.length === 0 ? "reads it" : `reads it, and warns: ${codes.join(", ")}`;
  } catch (error) {
    const reason = (error as Error).message.replace(path, "").replace(/^[, ]+/, "");
    return `refuses it: ${shorten(reason)}`;
  }
}

/** So that rows of the table stay in its lines. */
function shorten(reason: string): string {
  const start = reason.replace(/\. .*$/s, "").replace(/:? *\(.*$/s, "");
  return start.length <= 72 ? start : `${start.slice(0, 69).trimEnd()}...`;
}
