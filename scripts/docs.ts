/** `npm run docs`: writes the generated part of docs/cli.md again, and wraps the prose of all pages. */
import { readFileSync, writeFileSync } from "node:fs";
import { basename } from "node:path";
import { listPages } from "./pages.js";
import { updateReference } from "./reference.js";
import { wrapMarkdown } from "./wrap.js";

for (const path of listPages()) {
  const page = readFileSync(path, "utf8");
  const written = wrapMarkdown(basename(path) === "cli.md" ? updateReference(page) : page);
  if (written !== page) writeFileSync(path, written);
}
