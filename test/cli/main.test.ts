import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { runCli, temporaryFolder } from "../helpers.js";

test("CANOPY_DEBUG=1 adds a stack that names lines of the TypeScript, without it there is none", (t) => {
  const args = ["inspect", join(temporaryFolder(t), "nowhere")];
  const debugged = runCli(args, { env: { CANOPY_DEBUG: "1" } });
  assert.match(debugged.stderr, /\n +at .*src\/tiles\/\w+[\w-]*\.ts:\d+:\d+/);
  assert.match(debugged.stderr, /\n +at .*src\/cli\/[\w-]+\.ts:\d+:\d+/);
  assert.doesNotMatch(debugged.stderr, /dist\/src/);
  assert.doesNotMatch(runCli(args).stderr, /\n +at /);
});
