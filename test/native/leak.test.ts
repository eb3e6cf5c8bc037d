import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { NEEDS_ADDON } from "./support.js";

test("decoding good and bad files over and over takes no more memory", NEEDS_ADDON, () => {
  // A process of its own: nothing but the addon may be what grows.
  const script = fileURLToPath(new URL("./leak-loop.js", import.meta.url));
  const result = spawnSync(process.execPath, ["--expose-gc", script], { encoding: "utf8" });
  assert.equal(result.status, 0, result.stderr);
  const { decodes, failures, grownBytes } = JSON.parse(result.stdout) as Record<string, number>;
  assert.ok(failures > decodes / 4 && failures < decodes, `${failures} of ${decodes} failed`);
  // 100 bytes lost per decode would show; what remains is the allocator's and the engine's noise.
  assert.ok(grownBytes < 100 * decodes, `${grownBytes} bytes more after ${decodes} decodes`);
});
