/** Tables of pages that are written from the inputs of tests: what canopy does with each. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

interface TableInput {
  what: string;
  /** Options, as they are written. */
  said?: string;
  reference: string;
}

/** `page` with its table of `source` written again: `attempt` tries an input out, in a folder of its own. */
export async function updateTable<T extends TableInput>(
  page: string,
  source: string,
  inputs: readonly T[],
  attempt: (input: T, folder: string) => Promise<string>,
): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "canopy-docs-"));
  try {
    const rows: string[] = [];
    for (const [i, input] of inputs.entries()) {
      rows.push(renderRow(input, await attempt(input, join(folder, String(i)))));
    }
    return replaceTable(page, source, ["| input | what canopy does | reference |", "|---|---|---|", ...rows]);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** `page` with `lines` in the place of the table of `source`. */
export function replaceTable(page: string, source: string, lines: readonly string[]): string {
  const begin = `<!-- Written by \`npm run docs\` from ${source}; what is changed here is lost. -->`;
  const end = "<!-- End of what `npm run docs` writes. -->";
  const from = page.indexOf(begin);
  const to = page.indexOf(end, from);
  if (from < 0 || to < from) throw new Error(`The page has no ${begin} before ${end}.`);
  return `${page.slice(0, from)}${begin}\n${lines.join("\n")}\n${page.slice(to)}`;
}

function renderRow({ what, said, reference }: TableInput, does: string): string {
  const cells = [said === undefined ? what : `${what}: ${said}`, does, reference];
  return `| ${cells.map((cell) => cell.replace(/(?<!\\)\|/g, "\\|")).join(" | ")} |`;
}

/** So that rows of the table stay in its lines. */
export function shorten(reason: string, most = 72): string {
  const start = reason.replace(/\. .*$/s, "").replace(/:? *\(.*$/s, "");
  return start.length <= most ? start : `${start.slice(0, most - 3).trimEnd()}...`;
}
