import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { loadAddon } from "../../src/addon.js";
import { ContenderProcess } from "../../src/bench/contender-process.js";
import { CanopyError, InterruptedError } from "../../src/errors.js";
import { temporaryFolder } from "../helpers.js";

const NEEDS_ADDON = loadAddon() === undefined ? { skip: "the addon is not built" } : {};
const SETUP = { contender: "ceiling", size: 32, threads: 1 };

test("a contender that fails says so with its name, and can be asked again", NEEDS_ADDON, async (t) => {
  const absent = join(temporaryFolder(t), "absent.jpg");
  const contender = await ContenderProcess.open("the ceiling", { ...SETUP, paths: [absent] });
  t.after(() => contender.close());
  const failure = (error: CanopyError) =>
    error instanceof CanopyError && /the ceiling failed: .*Cannot open file/.test(error.message);
  await assert.rejects(contender.round([0]), failure);
  await assert.rejects(contender.round([0]), failure);
});

test("an abort ends waiting for a contender as interrupted", NEEDS_ADDON, async (t) => {
  const controller = new AbortController();
  const contender = await ContenderProcess.open("ceiling", { ...SETUP, paths: [] }, { signal: controller.signal });
  t.after(() => contender.close());
  const round = contender.round([]);
  controller.abort();
  await assert.rejects(round, InterruptedError);
  await assert.rejects(contender.round([]), InterruptedError);
});

test("a Python that is not there is a failure of the contender", async () => {
  const open = ContenderProcess.open(
    "Pillow",
    { ...SETUP, contender: "PIL", paths: [] },
    { python: "/absent/python3" },
  );
  await assert.rejects(open, /The contender Pillow failed/);
});
