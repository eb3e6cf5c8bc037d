import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { checkPagePath, updatePage } from "../../src/bench/page.js";
import type { PreprocessReport } from "../../src/bench/preprocess-report.js";
import { FormatError, InputError, OptionError } from "../../src/errors.js";
import { temporaryFolder } from "../helpers.js";

function reportOf(rate: number): PreprocessReport {
  const contender = { threads: 1, spread: [rate, rate] as [number, number], mb_per_s: 1, cpu_ms_per_tile: 1 };
  return {
    tiles: 4,
    size: 224,
    ceiling_tiles_per_s: 1000,
    workers: [{ workers: 1, tiles_per_s: rate }],
    share_of_ceiling: rate / 1000,
    scaling: 1,
    contenders: [
      {
        ...contender,
        name: "canopy",
        tiles_per_s: rate,
        mean_abs_error: 0,
        compared: "resized",
        share_of_ceiling: rate / 1000,
        version: "0",
      },
    ],
    absent: [{ name: "OpenCV", reason: "not installed" }],
    stages: [{ stage: "pipeline", us_per_tile: 1e6 / rate, tiles_per_s: rate, mb_per_s: 1, spread: [rate, rate] }],
    paired: { share_of_ceiling: { median: 1, low: 1, high: 1 }, scaling: { median: 1, low: 1, high: 1 } },
    generated: false,
    unfit: 0,
    bytes_per_tile: 1000,
    samples: [],
    machine: { cpu: "A CPU", cores: 2, usable_cores: 2, cpu_features: [], memory_bytes: 2 ** 33, os: "linux" },
    versions: { canopy: "0.1.0" },
  };
}

test("a run replaces its own report on the page and leaves the others", async (t) => {
  const folder = temporaryFolder(t);
  const page = join(folder, "bench.md");
  await updatePage(page, { kind: "preprocess", title: "Old tiles", report: reportOf(111) });
  await updatePage(page, { kind: "preprocess", title: "Other tiles", report: reportOf(333) });
  await updatePage(page, { kind: "preprocess", title: "Old tiles", report: reportOf(222) });
  const text = readFileSync(page, "utf8");
  assert.match(text, /Old tiles[\s\S]*A CPU, 2 cores, 8 GiB/);
  assert.match(text, /\| 222 \(222-222\)/);
  assert.match(text, /\| 333 \(333-333\)/);
  assert.doesNotMatch(text, /111/);
  assert.match(text, /OpenCV did not run: not installed/);
  assert.deepEqual(readdirSync(folder).sort(), [
    "bench-old-tiles.svg",
    "bench-other-tiles.svg",
    "bench.json",
    "bench.md",
  ]);
});

test("the chart is an SVG document that says in words what it shows", async (t) => {
  const page = join(temporaryFolder(t), "bench.md");
  await updatePage(page, { kind: "preprocess", title: "Tiles", report: reportOf(500) });
  const svg = readFileSync(page.replace(".md", "-tiles.svg"), "utf8");
  assert.match(svg, /^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg"/);
  assert.match(svg, /aria-label="[^"]*canopy \(1\) 500/);
  assert.match(svg, />500</);
});

test("a page that cannot be written is said before anything is measured", (t) => {
  const folder = temporaryFolder(t);
  assert.throws(() => checkPagePath(join(folder, "page.html")), OptionError);
  assert.throws(() => checkPagePath(join(folder, "absent", "page.md")), InputError);
  writeFileSync(join(folder, "page.json"), "[1]");
  assert.throws(() => checkPagePath(join(folder, "page.md")), FormatError);
});
