import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { createProgressReporter } from "../../src/cli/progress.js";

function plainLines(t: TestContext): string[] {
  const lines: string[] = [];
  const { isTTY } = process.stderr;
  process.stderr.isTTY = false;
  t.after(() => {
    process.stderr.isTTY = isTTY;
  });
  t.mock.timers.enable({ apis: ["Date"] });
  t.mock.method(process.stderr, "write", (line: string) => lines.push(line) > 0);
  return lines;
}

test("rate and time left of a resumed run count what this process has done", (t) => {
  const lines = plainLines(t);
  const { update } = createProgressReporter({ quiet: false });
  update({ stage: "predict", done: 5000, total: 7000, rejected: 0 });
  t.mock.timers.tick(5000);
  update({ stage: "predict", done: 5500, total: 7000, rejected: 2, parts: { workers: 1, sessions: 2 } });
  assert.deepEqual(lines, ["predict: 5500/7000 tiles, 100/s, ETA 15 s, 2 rejected, 1 decoding, 2 sessions\n"]);
});

test("a stage that stands still says no time left, and the next stage counts for itself", (t) => {
  const lines = plainLines(t);
  const { update } = createProgressReporter({ quiet: false });
  update({ stage: "list", done: 10, rejected: 0 });
  update({ stage: "features", done: 40, total: 60, rejected: 0 });
  t.mock.timers.tick(6000);
  update({ stage: "features", done: 40, total: 60, rejected: 0 });
  assert.deepEqual(lines, ["features: 40/60 tiles, 0.0/s\n"]);
});
