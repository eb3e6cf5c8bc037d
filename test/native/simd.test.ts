import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";

const module = new URL("../../src/addon.js", import.meta.url).href;
const source = `import { loadAddon } from ${JSON.stringify(module)}; loadAddon(); loadAddon();`;
const levels = process.arch === "arm64" ? ["scalar", "neon"] : ["scalar", "sse4", "avx2", "avx512"];

function warningsFor(level: string): string[] {
  const env = { ...process.env, CANOPY_SIMD: level };
  const { status, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", source], {
    env,
    encoding: "utf8",
  });
  assert.equal(status, 0, stderr);
  return stderr.split("\n").filter((line) => line.includes("CANOPY_SIMD"));
}

test("a CANOPY_SIMD that is not known is told once", () => {
  const warnings = warningsFor("avx3");
  assert.equal(warnings.length, 1);
  assert.ok(warnings[0].includes(`one of ${levels.join(", ")}, got "avx3": it is ignored`));
});

test("a CANOPY_SIMD that is known is not spoken of", () => {
  for (const level of ["", ...levels]) assert.deepEqual(warningsFor(level), [], level);
});
