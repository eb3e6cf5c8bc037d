import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { MUTATIONS } from "../../scripts/mutations.js";
import { ROOT } from "../helpers.js";

test("the code that each mutation changes is there, once, and so are the tests that are to notice", () => {
  const stale = MUTATIONS.filter(({ file, from, tests }) => {
    const path = join(ROOT, file);
    const found = existsSync(path) ? readFileSync(path, "utf8").split(from).length - 1 : 0;
    return found !== 1 || !tests.every((name) => existsSync(join(ROOT, name)));
  });
  assert.deepEqual(
    stale.map(({ what, file }) => `${what} (${file})`),
    [],
  );
});
