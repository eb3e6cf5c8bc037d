/** The code that pages show, block by block. */
import { readFileSync } from "node:fs";
import { relative } from "node:path";
import { listPages, ROOT } from "./pages.js";

export interface Snippet {
  /** As `docs/api.md`. */
  page: string;
  /** Of the block's first line of code. */
  line: number;
  /** What stands behind the fence; "" if nothing does, "indented" for a block without fences. */
  language: string;
  code: string;
}

export function listSnippets(): Snippet[] {
  return listPages().flatMap((path) => snippetsOf(relative(ROOT, path), readFileSync(path, "utf8")));
}

/** Fenced blocks, and indented ones after an empty line. */
export function snippetsOf(page: string, text: string): Snippet[] {
  const blocks = /^```(\w*)[^\n]*\n(.*?)^```$|(?<=\n\n)((?: {4}[^\n]*\n)+)/gms;
  return [...text.matchAll(blocks)].map((match) => {
    const [whole, language = "indented", fenced, indented] = match;
    const code = fenced ?? indented.replaceAll(/^ {4}/gm, "");
    const line = text.slice(0, match.index).split("\n").length + (fenced === undefined ? 0 : 1);
    return { page, line, language: whole.startsWith("```") ? language : "indented", code };
  });
}

/** Languages whose blocks are commands. */
const SHELLS = new Set(["sh", "bash", "console", "", "indented"]);

export function isShell({ language }: Snippet): boolean {
  return SHELLS.has(language);
}

/** Commands one by one, other code as a whole. */
export function partsOf(snippet: Snippet): Snippet[] {
  if (!isShell(snippet)) return [snippet];
  return commandsOf(snippet).map(({ command, line }) => ({ ...snippet, line, code: command }));
}

/** With the lines they begin at; lines that go on are joined, comments left out. */
function commandsOf({ code, line }: Snippet): { command: string; line: number }[] {
  const commands: { command: string; line: number }[] = [];
  let open = false;
  for (const [i, text] of code.split("\n").entries()) {
    const last = commands.at(-1);
    if (open && last !== undefined) last.command += ` ${text.replace(/\\$/, "").trim()}`;
    else if (text.trim() !== "" && !text.startsWith("#"))
      commands.push({ command: text.replace(/\\$/, ""), line: line + i });
    open = text.endsWith("\\");
  }
  return commands.map(({ command, line }) => ({ command: command.replace(/\s+#\s.*$/, "").trim(), line }));
}
