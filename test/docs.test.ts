import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { updateReference } from "../scripts/reference.js";
import { ROOT } from "./helpers.js";

test("docs/cli.md lists what the commands define", () => {
  const page = readFileSync(join(ROOT, "docs/cli.md"), "utf8");
  assert.ok(page === updateReference(page), "docs/cli.md is stale: npm run docs writes it again");
});
