/** Fine-tuning of the last blocks alone, on stored maps of those below. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import { InterruptedError } from "../../src/errors.js";
import { train } from "../../src/operations/train.js";
import type { RunContext } from "../../src/run-context.js";
import type { TrainOptions } from "../../src/training/settings.js";
import { mountDisk, suiteFolder } from "../helpers.js";
import { serve } from "../remote/server.js";
import { learntBytes, writeTinyTraining } from "../training/tiny-backbone.js";

const folder = suiteFolder();
/** Eight views of 60 tiles, 768 floats each, take 1.5 MB. */
const KEPT = /^The maps below the blocks that learn are kept in .+\/features\/[0-9a-f]+: 1 MB more\.$/;
let options: Omit<TrainOptions, "out">;

before(async () => {
  const finetune = { epochs: 4, learningRate: 0.05, blocks: 1 };
  options = { ...(await writeTinyTraining(folder, 60)), finetune };
});

/** Trains with a cache of its own; returns what it noticed. */
async function trainIn(cache: string, name: string, more: Partial<TrainOptions> = {}, context: RunContext = {}) {
  process.env["CANOPY_CACHE"] = join(folder, cache);
  const notices: string[] = [];
  const onNotice = (notice: string) => {
    notices.push(notice);
    context.onNotice?.(notice);
  };
  const use = { ...options, out: join(folder, name), ...more };
  await train(use, { ...context, onNotice });
  return notices;
}

const bytesOf = (model: string) => learntBytes(join(folder, model));

test("maps are computed once, and a second run on them gives the same bytes, whatever the number of workers", async () => {
  const first = await trainIn("cache", "first");
  assert.equal(first.filter((notice) => KEPT.test(notice)).length, 1, first.join("\n"));
  const second = await trainIn("cache", "second", { workers: 3 });
  assert.ok(!second.some((notice) => notice.includes("maps below")), second.join("\n"));
  assert.deepEqual(bytesOf("second"), bytesOf("first"));
});

test("maps of tiles on a server are computed in each epoch", async (t) => {
  const tar = execFileSync("tar", ["-cf", "-", "-C", folder, "tiles"]);
  const { url } = await serve(t, { "/tiles.tar": tar });
  const finetune = { epochs: 1, learningRate: 0.05, blocks: 1 };
  const notices = await trainIn("remote", "remote", { tiles: [`${url}/tiles.tar`], finetune });
  assert.ok(notices.some((notice) => /computed in each epoch: the tiles are on a server/.test(notice)));
});

test("stopped while maps are computed, and while it learns on them, it ends with the same bytes", async () => {
  await trainIn("cache", "whole");
  for (const stage of ["features", "fine-tune"]) {
    const stop = new AbortController();
    let isBeyond = false;
    const stopped = trainIn(
      "another",
      "stopped",
      { resume: true },
      {
        signal: stop.signal,
        onNotice: (notice) => {
          isBeyond ||= notice.startsWith("The maps") || stage === "fine-tune";
        },
        onProgress: ({ stage: now, done }) => {
          if (isBeyond && now === stage && done > 0) stop.abort();
        },
      },
    );
    await assert.rejects(stopped, InterruptedError, stage);
  }
  await trainIn("another", "stopped", { resume: true });
  assert.deepEqual(bytesOf("stopped"), bytesOf("whole"));
});

test("maps that the disk has no room for are refused before any is computed", async (t) => {
  mkdirSync(join(folder, "small"));
  if (!mountDisk(join(folder, "small"), "500k")) return t.skip("no disk can be mounted here");
  t.after(() => execFileSync("umount", [join(folder, "small")]));
  await assert.rejects(trainIn("small", "refused"), {
    name: "InputError",
    message: /take 1 MB in .+, where 0 MB are free\. Set CANOPY_CACHE .+`finetune\.blocks: all`/,
  });
});
