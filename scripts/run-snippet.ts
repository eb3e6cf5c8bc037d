/** One snippet, run in a folder that has what it speaks of. */
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { labelConfig } from "../src/curation/label-studio.js";
import type { Shell } from "./docs-shell.js";
import { ROOT } from "./pages.js";
import type { Snippet } from "./snippets.js";

interface Place {
  folder: string;
  shell: Shell;
  /** Whether the snippet is a command. */
  isShell: boolean;
}

/** @throws Error that says what is wrong with it */
export async function runSnippet(snippet: Snippet, { folder, shell, isShell }: Place): Promise<void> {
  const { code, language } = snippet;
  forgetOutputs(code, folder);
  if (isShell) await shell(code);
  else if (language === "ts") await runProgram(snippet, folder, shell);
  else if (language === "yaml") await runConfig(code, folder, shell);
  else if (language === "xml") compare(code, labelConfig(["clear", "primary"]));
  else if (language === "cpp") findInNative(code);
  else throw new Error(`nothing here runs ${language}: say why not in scripts/docs-excuses.ts`);
}

/** What an earlier snippet wrote under the same name. */
function forgetOutputs(code: string, folder: string): void {
  for (const [, flag, option] of code.matchAll(/--out ([\w./-]+)|\bout: "([\w./-]+)"/g)) {
    const out = join(folder, flag ?? option);
    for (const path of [out, `${out}.rejects.jsonl`, `${out}.manifest.json`])
      rmSync(path, { recursive: true, force: true });
  }
}

/** Compiled as a strict project's module, and run. */
async function runProgram({ code, line }: Snippet, folder: string, shell: Shell): Promise<void> {
  const name = `snippet-${line}`;
  writeFileSync(join(folder, `${name}.ts`), code);
  const tsc = join(ROOT, "node_modules/typescript/bin/tsc");
  const options = "--strict --target es2022 --module nodenext --types node --skipLibCheck";
  await shell(`node ${tsc} ${options} ${name}.ts`);
  await shell(`node ${name}.js`);
}

/** A configuration that `train` takes. */
async function runConfig(code: string, folder: string, shell: Shell): Promise<void> {
  writeFileSync(join(folder, "snippet.yaml"), code);
  await shell("canopy train --config snippet.yaml --out configured --print-config");
}

function compare(code: string, made: string): void {
  if (code !== made) throw new Error(`canopy makes\n${made}`);
}

/** Quotations of the native sources, but for their comments. */
function findInNative(code: string): void {
  const files = readdirSync(join(ROOT, "native")).filter((name) => /\.(h|cc)$/.test(name));
  const sources = files.map((name) => plain(readFileSync(join(ROOT, "native", name), "utf8"))).join("\n");
  const lost = code.split("\n").filter((line) => !sources.includes(plain(line)));
  if (lost.length > 0) throw new Error(`stands nowhere in native/:\n${lost.join("\n")}`);
}

function plain(code: string): string {
  return code.replaceAll(/\/\/[^\n]*/g, "").replaceAll(/\s+/g, "");
}
