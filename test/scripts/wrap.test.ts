import assert from "node:assert/strict";
import { test } from "node:test";
import { LONGEST_LINE, wrapMarkdown } from "../../scripts/wrap.js";

const LONG = Array.from({ length: 60 }, (_, i) => `word${i}`).join(" ");

test("paragraphs and items that are too long are wrapped, items under themselves", () => {
  const lines = wrapMarkdown(`${LONG}\n\n- ${LONG}\n- short`).split("\n");
  assert.ok(lines.every((line) => line.length <= LONGEST_LINE));
  assert.equal(lines.filter((line) => line.startsWith("- ")).length, 2);
  assert.ok(lines[lines.indexOf("- short") - 1].startsWith("  word"));
  assert.equal(lines.slice(0, lines.indexOf("")).join(" "), LONG);
});

test("code, tables, headings and what is short enough stay as they are, line by line", () => {
  const page = `# ${LONG}\n\n\`\`\`sh\n${LONG}\n\`\`\`\n\n| ${LONG} |\n\none\ntwo\n`;
  assert.equal(wrapMarkdown(page), page);
});

test("no line begins with what would mean something there, or inside code", () => {
  const page = wrapMarkdown(`${"x".repeat(LONGEST_LINE - 3)} - ${"`a b c` ".repeat(40)}`);
  for (const line of page.split("\n")) {
    assert.ok(!line.startsWith("-") && line.split("`").length % 2 === 1, line);
  }
});
