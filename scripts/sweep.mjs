/** Removes from dist/ what has no source any more: the compiler leaves behind what a moved or deleted file once gave, tests included. */
import { existsSync, readdirSync, rmSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), "..");
const OUTPUT = /\.(js|d\.ts|js\.map)$/;

for (const name of readdirSync(join(ROOT, "dist"), { recursive: true })) {
  if (OUTPUT.test(name) && !existsSync(join(ROOT, name.replace(OUTPUT, ".ts")))) rmSync(join(ROOT, "dist", name));
}
