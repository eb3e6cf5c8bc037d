/** `npm run docs`: writes the generated parts of docs/cli.md, labels.md, inputs.md and SECURITY.md again, and wraps the prose of all pages. */
import { readFileSync, writeFileSync } from "node:fs";
import { basename } from "node:path";
import { updateAttacks } from "./attack-table.js";
import { updateLabelInputs } from "./label-inputs.js";
import { listPages } from "./pages.js";
import { updateReference } from "./reference.js";
import { updateTileInputs } from "./tile-inputs.js";
import { wrapMarkdown } from "./wrap.js";

const GENERATED: Readonly<Record<string, (page: string) => string | Promise<string>>> = {
  "cli.md": updateReference,
  "labels.md": updateLabelInputs,
  "inputs.md": updateTileInputs,
  "SECURITY.md": updateAttacks,
};

for (const path of listPages()) {
  const page = readFileSync(path, "utf8");
  const generate = GENERATED[basename(path)];
  const written = wrapMarkdown(generate === undefined ? page : await generate(page));
  if (written !== page) writeFileSync(path, written);
}
