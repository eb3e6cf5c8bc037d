import assert from "node:assert/strict";
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { FormatError, InputError } from "../../src/errors.js";
import { report } from "../../src/operations/report.js";
import { readReport, writeReport } from "../../src/report/store.js";
import { assertRefused } from "../damaged-json.js";
import { temporaryFolder } from "../helpers.js";
import { sampleReport } from "./sample.js";

test("the page is rendered again from its data, byte for byte", async (t) => {
  const dir = temporaryFolder(t);
  const data = await sampleReport();
  const written = await writeReport(dir, data);
  const page = readFileSync(written.path);
  assert.equal(written.byteLength, page.length);
  assert.deepEqual(await readReport(dir), data);
  rmSync(written.path);
  assert.deepEqual(await report({ model: dir }), written);
  assert.deepEqual(readFileSync(written.path), page);
  assert.deepEqual(readdirSync(dir).sort(), ["report.html", "report.json"]);
});

test("a folder without a report is named, with what to do", async (t) => {
  const dir = temporaryFolder(t);
  const missing = (error: Error) =>
    error instanceof InputError && error.message.includes(dir) && error.message.includes("canopy train");
  await assert.rejects(report({ model: dir }), missing);
  await assert.rejects(report({ model: join(dir, "nowhere") }), missing);
});

test("damaged, foreign, incomplete and newer data are told apart and leave no page", async (t) => {
  const dir = temporaryFolder(t);
  const whole = await sampleReport();
  const cases: [string, RegExp][] = [
    [JSON.stringify(whole).slice(0, 500), /is damaged/],
    [JSON.stringify({ ...whole, version: 4 }), /has version 4, this canopy reads 3/],
    [JSON.stringify({ ...whole, summary: undefined }), /has no valid "summary": expected Object, it is missing/],
  ];
  for (const [text, message] of cases) {
    writeFileSync(join(dir, "report.json"), text);
    await assert.rejects(
      report({ model: dir }),
      (error: Error) => error instanceof FormatError && message.test(error.message),
    );
  }
  assert.deepEqual(readdirSync(dir), ["report.json"]);
});

test("data with any key missing or of another type are refused by name", async (t) => {
  const dir = temporaryFolder(t);
  const path = join(dir, "report.json");
  const read = (json: unknown) => {
    writeFileSync(path, JSON.stringify(json));
    return report({ model: dir });
  };
  const optional =
    /^(score\.folds|labelErrors\.file) missing$|^training\.(recipe|versions)\.\w+ missing|^training\.recipe\./;
  await assertRefused(await sampleReport(), path, read, optional);
});
