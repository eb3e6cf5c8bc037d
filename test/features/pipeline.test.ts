import assert from "node:assert/strict";
import { test } from "node:test";
import { openPipeline } from "../../src/features/pipeline.js";
import { watchThreads } from "../threads.js";
import { TOY_FEATURES, toyBackbone } from "./toy-backbone.js";

const options = { model: toyBackbone(8), size: 8, numFeatures: TOY_FEATURES, sessions: 3 };

test("where a session cannot be started, those before it end", async (t) => {
  const alive = watchThreads(t, (_, number) => number === 2);
  await assert.rejects(openPipeline(options, 1, {}), /session thread could not be started: no thread is left/);
  assert.equal(alive.size, 0);
});

test("where no decode worker can be started, the sessions end", async (t) => {
  const alive = watchThreads(t, (file) => !file.endsWith("session-worker.js"));
  await assert.rejects(openPipeline(options, 1, {}), /no thread is left/);
  assert.equal(alive.size, 0);
});
