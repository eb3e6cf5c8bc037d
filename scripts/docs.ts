/** `npm run docs`: writes the generated parts of docs/cli.md and docs/labels.md again, and wraps the prose of all pages. */
import { readFileSync, writeFileSync } from "node:fs";
import { basename } from "node:path";
import { updateLabelInputs } from "./label-inputs.js";
import { listPages } from "./pages.js";
import { updateReference } from "./reference.js";
import { wrapMarkdown } from "./wrap.js";

const GENERATED: Readonly<Record<string, (page: string) => string | Promise<string>>> = {
  "cli.md": updateReference,
  "labels.md": updateLabelInputs,
};

for (const path of listPages()) {
  const page = readFileSync(path, "utf8");
  const generate = GENERATED[basename(path)];
  const written = wrapMarkdown(generate === undefined ? page : await generate(page));
  if (written !== page) writeFileSync(path, written);
}
