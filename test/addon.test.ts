import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { buildCommand } from "../src/addon.js";

test("the command that warnings name for building the addon runs as it stands", () => {
  const { status, stderr } = spawnSync(buildCommand(), { shell: true, encoding: "utf8" });
  assert.equal(status, 0, stderr);
});
