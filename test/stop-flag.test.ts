import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { ChunkPool } from "../src/chunk-pool.js";
import { DECODE_DEFAULTS } from "../src/decode/decoder.js";
import { DecodePool } from "../src/decode/pool.js";
import { InterruptedError } from "../src/errors.js";
import { fixChunk } from "../src/fix/worker.js";
import { examineChunk } from "../src/inspect/worker.js";
import { refuseIfStopped, StopFlag } from "../src/stop-flag.js";
import { temporaryFolder } from "./helpers.js";
import { encode, gradient } from "./images.js";

test("a busy worker sees an abort between two items, and what it was doing is no failure of theirs", async (t) => {
  const stop = new AbortController();
  const file = new URL("./chunk-worker.js", import.meta.url);
  const pool = new ChunkPool<number, string>(file, "waitForStop", 1, {}, stop.signal);
  t.after(() => pool.close());
  const failures: string[] = [];
  const run = pool.run([1, 2, 3], (error) => {
    failures.push(error.message);
    return "failed";
  });
  setTimeout(() => stop.abort(), 100);
  await assert.rejects(run, InterruptedError);
  assert.deepEqual(failures, []);
});

test("workers that decode, inspect and fix look at the flag before each tile", async (t) => {
  const folder = temporaryFolder(t);
  const path = join(folder, "a.png");
  writeFileSync(path, await encode(gradient(8, 3), 8, 3, "png"));
  const stop = new StopFlag(AbortSignal.abort()).buffer;
  const options = { colorspace: "auto", maxPixels: 1e6, onTruncated: "reject" } as const;
  await assert.rejects(examineChunk({ items: [{ path }], options, stop }), InterruptedError);
  const items = [{ tile: { path }, target: join(folder, "b.png") }];
  await assert.rejects(fixChunk({ items, options, format: "png", stop }), InterruptedError);
  const pool = new DecodePool({ workers: 1 }, { signal: AbortSignal.abort() });
  t.after(() => pool.close());
  const target = { buffer: new SharedArrayBuffer(8 * 8 * 3), byteOffset: 0 };
  await assert.rejects(pool.decode([{ name: "a", path }], target, { ...DECODE_DEFAULTS, size: 8 }), InterruptedError);
});

test("a flag is raised by an abort that was before it, and by none after it was closed", () => {
  assert.throws(() => refuseIfStopped(new StopFlag(AbortSignal.abort()).buffer), InterruptedError);
  const stop = new AbortController();
  const flag = new StopFlag(stop.signal);
  flag.close();
  stop.abort();
  assert.equal(flag.raised, false);
  refuseIfStopped(flag.buffer);
});
