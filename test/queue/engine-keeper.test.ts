import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { openModel } from "../../src/engine/open-model.js";
import { engineOptions } from "../../src/engine/settings.js";
import { EngineKeeper } from "../../src/queue/engine-keeper.js";
import { identityOf } from "../../src/run/options.js";
import { runFiles } from "../../src/run/paths.js";
import { saveToyModel } from "../engine/toy.js";
import { temporaryFolder } from "../helpers.js";

const MIB = 2 ** 20;
const SHA256 = "0".repeat(64);
const INPUT = { tiles: 8, sha256: SHA256, whole: { tiles: 8, namesSha256: SHA256 }, stdin: null };

/** A run of the queue in a folder, as `enqueue` leaves it, and what `predict` says of a budget. */
async function queuedRun(root: string, memory?: number) {
  const toy = await saveToyModel(root);
  const loaded = await openModel(toy.model, { ...toy, device: "cpu" });
  const options = { inputs: [], out: join(root, "out.csv"), workers: 1, memory };
  const identity = identityOf(loaded, engineOptions(loaded, options), options);
  const { batchSize } = identity.settings;
  const folder = join(root, "out.csv.parts");
  mkdirSync(folder);
  writeFileSync(runFiles(folder).identity, JSON.stringify({ ...identity, input: INPUT }));
  writeFileSync(
    runFiles(folder).queue,
    JSON.stringify({ queue: "q", partTiles: 8, offsets: [0], ...toy, maxUnreadable: null }),
  );
  const planFor = (budget: number) => () => engineOptions(loaded, { ...options, batchSize, memory: budget });
  return { folder, planFor };
}

describe("a worker's memory budget", () => {
  it("counts what predict counts, rows among it: both refuse what the other does", async (t) => {
    const { folder, planFor } = await queuedRun(temporaryFolder(t));
    let refusal = "";
    assert.throws(planFor(MIB), ({ message }: Error) => {
      refusal = message;
      return true;
    });
    const needed = Number(/about (\d+) MiB are needed/.exec(refusal)![1]);
    const tooSmall = new EngineKeeper({ workers: 1, memory: (needed - 1) * MIB }, {});
    assert.throws(planFor((needed - 1) * MIB), /is too small/);
    await assert.rejects(tooSmall.engineFor(folder, "q"), {
      name: "UnfitWorkerError",
      message: new RegExp(`budget of ${needed - 1} MiB is too small: .*, about ${needed} MiB are needed\\.$`),
    });
    const enough = new EngineKeeper({ workers: 1, memory: needed * MIB }, {});
    planFor(needed * MIB)();
    assert.ok(await enough.engineFor(folder, "q"));
    await enough.close();
  });

  it("warns where the run lets a tile take more than the budget leaves", async (t) => {
    const warnings: string[] = [];
    const onWarning = (text: string) => warnings.push(text);
    for (const [memory, expected] of [
      [undefined, /leaves \d+ MiB for a tile .* allows it any: .*The `memory` of `enqueue` bounds them/],
      [3000 * MIB, /allows it as much as 2\d\d\d MiB/],
    ] as const) {
      const { folder } = await queuedRun(temporaryFolder(t), memory);
      const keeper = new EngineKeeper({ workers: 1, memory: 1000 * MIB }, { onWarning });
      await keeper.engineFor(folder, "q");
      await keeper.close();
      assert.match(warnings.pop() ?? "", expected);
    }
    const { folder } = await queuedRun(temporaryFolder(t), 1000 * MIB);
    const keeper = new EngineKeeper({ workers: 1, memory: 1000 * MIB }, { onWarning });
    await keeper.engineFor(folder, "q");
    await keeper.close();
    assert.deepEqual(warnings, []);
  });
});
