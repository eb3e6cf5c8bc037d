import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { runCli } from "../helpers.js";

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

test("every command tells a CANOPY_SIMD that is not known, those that decode in other threads or not at all, too", () => {
  // `inspect` decodes in workers, `doctor` loads the addon itself, the others never do.
  for (const words of [["inspect", "absent.jpg"], ["doctor"], ["models", "list"], ["merge", "--help"]]) {
    const { stderr } = runCli(words, { env: { CANOPY_SIMD: "avx3\u001b" } });
    const told = stderr.split("\n").filter((line) => line.includes("CANOPY_SIMD"));
    assert.equal(told.length, 1, `${words}: ${stderr}`);
    assert.match(told[0], /^Warning: Expected CANOPY_SIMD to be one of .*, got "avx3\\u001b": it is ignored\.$/);
  }
});
