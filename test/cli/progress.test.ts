import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { createProgressReporter } from "../../src/cli/progress.js";

/** What is written to stderr, a terminal or not. */
function written(t: TestContext, terminal = false): string[] {
  const lines: string[] = [];
  const { isTTY } = process.stderr;
  process.stderr.isTTY = terminal;
  t.after(() => {
    process.stderr.isTTY = isTTY;
  });
  t.mock.timers.enable({ apis: ["Date"] });
  t.mock.method(process.stderr, "write", (line: string) => lines.push(line) > 0);
  return lines;
}

test("rate and time left of a resumed run count what this process has done", (t) => {
  const lines = written(t);
  const { update } = createProgressReporter({ quiet: false });
  update({ stage: "predict", done: 5000, total: 7000, rejected: 0 });
  t.mock.timers.tick(5000);
  update({ stage: "predict", done: 5500, total: 7000, rejected: 2 });
  assert.deepEqual(lines, ["predict: 5500/7000 tiles, 100/s, ETA 15 s, 2 rejected\n"]);
});

test("a stage that stands still says no time left, and the next stage counts for itself", (t) => {
  const lines = written(t);
  const { update } = createProgressReporter({ quiet: false });
  update({ stage: "list", done: 10, rejected: 0 });
  update({ stage: "features", done: 40, total: 60, rejected: 0 });
  t.mock.timers.tick(6000);
  update({ stage: "features", done: 40, total: 60, rejected: 0 });
  assert.deepEqual(lines, ["features: 40/60 tiles, 0.0/s\n"]);
});

test("on a terminal, what has no known end has neither a bar nor a time left", (t) => {
  const lines = written(t, true);
  const { update, stop } = createProgressReporter({ quiet: false });
  update({ stage: "copy", done: 12, rejected: 0, unit: "MiB" });
  update({ stage: "predict", done: 30, total: 60, rejected: 1 });
  stop();
  const shown = lines.join("");
  assert.match(shown, /copy {6}12 MiB {2}0\.0\/s/);
  assert.match(shown, /predict {3}\[=+ +\] 30\/60 tiles {2}0\.0\/s {2}ETA .* 1 rejected/);
});
