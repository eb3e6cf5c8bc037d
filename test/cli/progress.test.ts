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

test("rate and time left of a resumed run count what this process has done", async (t) => {
  const lines = written(t);
  const { update } = await createProgressReporter({ quiet: false });
  update({ stage: "predict", done: 5000, total: 7000, rejected: 0 });
  t.mock.timers.tick(5000);
  update({ stage: "predict", done: 5500, total: 7000, rejected: 2 });
  assert.deepEqual(lines, ["predict: 5500/7000 tiles, 100/s, ETA 15 s, 2 rejected\n"]);
});

test("a stage that stands still says how long it waits instead of a time left, and the next stage counts for itself", async (t) => {
  const lines = written(t);
  const { update } = await createProgressReporter({ quiet: false });
  update({ stage: "list", done: 10, rejected: 0 });
  update({ stage: "features", done: 40, total: 60, rejected: 0 });
  t.mock.timers.tick(6000);
  update({ stage: "features", done: 40, total: 60, rejected: 0 });
  assert.deepEqual(lines, ["features: 40/60 tiles, 0.0/s, waiting for 6s\n"]);
});

test("a stage that comes a second time, as features of another precision do, counts for itself", async (t) => {
  const lines = written(t);
  const { update } = await createProgressReporter({ quiet: false });
  const features = (done: number) => update({ stage: "features", done, total: 600, rejected: 0 });
  features(0);
  t.mock.timers.tick(4000);
  features(600);
  features(0);
  t.mock.timers.tick(5000);
  features(100);
  assert.deepEqual(lines, ["features: 100/600 tiles, 20.0/s, ETA 25 s\n"]);
});

for (const terminal of [false, true]) {
  test(`lines go on while nothing is told, ${terminal ? "on a terminal" : "in a log"}`, async (t) => {
    const lines = written(t, terminal);
    t.mock.timers.reset();
    t.mock.timers.enable({ apis: ["Date", "setInterval"] });
    const { update, stop } = await createProgressReporter({ quiet: false });
    update({ stage: "head", done: 3, total: 18, rejected: 0, unit: "trainings" });
    for (let second = 0; second < 12; second++) t.mock.timers.tick(1000);
    update({ stage: "head", done: 18, total: 18, rejected: 0, unit: "trainings" });
    for (let second = 0; second < 6; second++) t.mock.timers.tick(1000);
    stop();
    const shown = lines.join("");
    assert.match(
      shown,
      terminal ? /3\/18 trainings {2}0\.0\/s {2}waiting for 11s/ : /3\/18 trainings, 0\.0\/s, waiting for 10s\n/,
    );
    assert.match(shown, terminal ? /18\/18 .* finishing for 5s/ : /18\/18 .*, finishing for \ds\n/);
  });
}

test("on a terminal, what has no known end has neither a bar nor a time left", async (t) => {
  const lines = written(t, true);
  const { update, stop } = await createProgressReporter({ quiet: false });
  update({ stage: "copy", done: 12, rejected: 0, unit: "MiB" });
  update({ stage: "predict", done: 30, total: 60, rejected: 1 });
  stop();
  const shown = lines.join("");
  assert.match(shown, /copy {6}12 MiB {2}0\.0\/s/);
  assert.match(shown, /predict {3}\[=+ +\] 30\/60 tiles {2}0\.0\/s {2}ETA .* 1 rejected/);
});

for (const columns of [38, 60, 80, 100]) {
  test(`on a terminal of ${columns} columns a line of progress fits`, async (t) => {
    const lines = written(t, true);
    const before = process.stderr.columns;
    process.stderr.columns = columns;
    t.after(() => {
      process.stderr.columns = before;
    });
    const { update, stop } = await createProgressReporter({ quiet: false });
    update({ stage: "predict", done: 0, total: 9000, rejected: 0 });
    t.mock.timers.tick(4000);
    update({ stage: "predict", done: 400, total: 9000, rejected: 0 });
    update({ stage: "features", done: 0, total: 10_000_000, rejected: 12_345, note: "loss 0.1234" });
    t.mock.timers.tick(4000);
    update({ stage: "features", done: 5_000_123, total: 10_000_000, rejected: 12_345, note: "loss 0.1234" });
    stop();
    // biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences take no columns
    const shown = lines.join("").split(/[\r\n]|\x1b\[[0-9;?]*[A-Za-z]/);
    assert.deepEqual(
      shown.filter((line) => line.length > columns),
      [],
    );
    assert.ok(
      shown.some((line) => /400\/9000.*1m26s$/.test(line.trimEnd())),
      lines.join("|"),
    );
    assert.doesNotMatch(lines.join(""), /NaN|INF|NULL/i);
  });
}
