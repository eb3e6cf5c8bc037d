/** Commands that pages show: each is one that the command line takes, with options it knows. (Programs are compiled by test/package.) */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { ROOT } from "../helpers.js";

interface Shown {
  page: string;
  words: string[];
}

const PAGES = ["README.md", "models/README.md", ...readdirSync(join(ROOT, "docs")).map((name) => `docs/${name}`)];
const SHELL = /^```(?:sh|bash|console)\n(.*?)^```$/gms;
/** In a command: where it ends. In its words: quoted, or without blanks. */
const END = /\s#|\s*(?:[|;&><)]|\d>)/;
const WORDS = /"([^"]*)"|'([^']*)'|(\S+)/g;

function commandsOf(page: string): Shown[] {
  const text = readFileSync(join(ROOT, page), "utf8");
  const code = [...text.matchAll(SHELL)].map(([, block]) => block.replaceAll(/\\\n\s*/g, " ")).join("\n");
  const starts = [...code.matchAll(/(?:^|[|;&(]|npx)[ \t]*canopy[ \t]+([^\n]*)/gm)];
  return starts.map(([, rest]) => {
    const [command] = rest.split(END);
    const words = [...command.matchAll(WORDS)].map(([, double, single, plain]) => double ?? single ?? plain);
    return { page, words };
  });
}

/** The message of the first that is refused; a parser that refuses ends its process. */
function refusal(shown: readonly Shown[]): string {
  const script = fileURLToPath(new URL("../cli/option-recorder.js", import.meta.url));
  const input = JSON.stringify(shown.map(({ words }) => words));
  const { status, stdout, stderr } = spawnSync(process.execPath, [script], { input, encoding: "utf8" });
  if (status !== 0) return stderr || "refused";
  const calls = JSON.parse(stdout) as unknown[][];
  const idle = shown.filter((_, i) => calls[i].length === 0);
  return idle.map(({ page, words }) => `${page}: nothing runs: ${words.join(" ")}`).join("\n");
}

test("every command in the pages is one that canopy takes", () => {
  const shown = PAGES.filter((page) => page.endsWith(".md"))
    .flatMap(commandsOf)
    .filter(({ words }) => !["...", "--help", "completion"].includes(words[0]));
  assert.ok(shown.length > 40, `${shown.length}`);
  if (refusal(shown) === "") return;
  // Which one it was: asked one by one.
  const refused = shown.map((each) => `${each.page}: canopy ${each.words.join(" ")}: ${refusal([each])}`);
  assert.deepEqual(
    refused.filter((line) => !line.endsWith(": ")),
    [],
  );
});

test("a command with an option that there is not is noticed", () => {
  assert.match(refusal([{ page: "x", words: ["models", "list", "--all"] }]), /all/);
});
