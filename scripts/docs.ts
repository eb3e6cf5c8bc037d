/** Writes the generated part of docs/cli.md again: `npm run docs`. */
import { readFileSync, writeFileSync } from "node:fs";
import { updateReference } from "./reference.js";

const PAGE = new URL("../../docs/cli.md", import.meta.url);

writeFileSync(PAGE, updateReference(readFileSync(PAGE, "utf8")));
