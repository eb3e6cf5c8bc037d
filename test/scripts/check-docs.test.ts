/** `npm run docs:check` runs the snippets; that none is passed over is tested here, without running them. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { excuseFor } from "../../scripts/docs-excuses.js";
import { isShell, listSnippets, partsOf, snippetsOf } from "../../scripts/snippets.js";

const PAGE = [
  "# Title",
  "",
  "```sh",
  "# What it does",
  "canopy predict tiles --model model \\",
  "  --out tags.csv    # a file",
  "canopy doctor",
  "```",
  "",
  "    canopy models list",
  "",
  "- a list",
  "    that is wrapped",
  "",
  "```ts",
  "const a = 1;",
  "```",
  "",
].join("\n");

describe("the snippets of a page", () => {
  it("are fenced and indented blocks, with their places; commands are taken one by one", () => {
    const parts = snippetsOf("x.md", PAGE).flatMap(partsOf);
    assert.deepEqual(
      parts.map(({ line, language, code }) => [line, language, code.trim()]),
      [
        [5, "sh", "canopy predict tiles --model model  --out tags.csv"],
        [7, "sh", "canopy doctor"],
        [10, "indented", "canopy models list"],
        [16, "ts", "const a = 1;"],
      ],
    );
  });

  it("are all run, or say why not", () => {
    const runnable = new Set(["ts", "yaml", "xml", "cpp"]);
    const parts = listSnippets().flatMap(partsOf);
    const [excused, run] = [true, false].map((wanted) =>
      parts.filter((part) => (excuseFor(part, part.code) !== undefined) === wanted),
    );
    assert.deepEqual(
      run.filter((part) => !isShell(part) && !runnable.has(part.language)).map(({ page, line }) => `${page}:${line}`),
      [],
    );
    assert.ok(run.length > 50 && run.length > excused.length, `${run.length} run, ${excused.length} excused`);
  });
});
