/** The pages that people read. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const FOLDERS = [".", "docs", "models", "models/pretrain"];

/** Paths of all Markdown files of the project. */
export function listPages(): string[] {
  return FOLDERS.flatMap((folder) => {
    const names = readdirSync(join(ROOT, folder)).filter((name) => name.endsWith(".md"));
    return names.sort().map((name) => join(ROOT, folder, name));
  });
}
