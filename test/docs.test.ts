import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { updateReference } from "../scripts/reference.js";
import { ROOT } from "./helpers.js";

test("docs/cli.md is what the commands say of themselves (npm run docs writes it)", () => {
  const page = readFileSync(join(ROOT, "docs/cli.md"), "utf8");
  assert.equal(page, updateReference(page));
});
