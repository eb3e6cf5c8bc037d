/** A fine-tuning whose disk fills up while it runs. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { train } from "../../src/operations/train.js";
import type { RunContext } from "../../src/run-context.js";
import { mountDisk, suiteFolder } from "../helpers.js";
import { writeTinyTraining } from "../training/tiny-backbone.js";

const folder = suiteFolder();
process.env["CANOPY_CACHE"] = join(folder, "cache");

/** Fills the disk with the file `filler`. */
function fill(filler: string): void {
  assert.throws(() => writeFileSync(filler, Buffer.alloc(8 << 20)), { code: "ENOSPC" });
}

function smallDisk(t: TestContext, name: string): string | undefined {
  const disk = join(folder, name);
  mkdirSync(disk);
  if (!mountDisk(disk, "4m")) return void t.skip("a small tmpfs cannot be mounted here");
  t.after(() => execFileSync("umount", [disk]));
  return disk;
}

test("a disk that fills up stops no fine-tuning: it warns once, and keeps the state it has written", async (t) => {
  const disk = smallDisk(t, "disk");
  if (disk === undefined) return;
  const options = { ...(await writeTinyTraining(folder, 40)), finetune: { epochs: 4, learningRate: 0.05 } };
  const [out, filler] = [join(disk, "model"), join(disk, "filler")];
  const state = `${out}.finetune`;
  const warnings: string[] = [];
  let kept: Buffer | undefined;
  let stages = 0;
  const onProgress: RunContext["onProgress"] = ({ stage, done, total }) => {
    if (stage !== "fine-tune") return;
    // After some states.
    if (kept === undefined && done > (total as number) / 3) {
      kept = readFileSync(state);
      fill(filler);
    } else if (kept !== undefined) {
      assert.ok(readFileSync(state).equals(kept));
      stages++;
    }
  };
  const context = { onProgress, onWarning: (message: string) => warnings.push(message) };
  await assert.rejects(train({ ...options, out }, context), { code: "DISK_FULL", message: /model.* `resume`\.$/ });
  assert.ok(stages > 5, `${stages}`);
  assert.equal(
    warnings.filter((each) => /^No space .*the state of the fine-tuning/.test(each)).length,
    1,
    `${warnings}`,
  );
  assert.ok(readFileSync(state).equals(kept as unknown as Buffer));

  // With room again it goes on from there.
  rmSync(filler);
  const places: number[] = [];
  const onPlace: RunContext["onProgress"] = ({ stage, done, total }) => {
    if (stage === "fine-tune") places.push(done / (total as number));
  };
  await train({ ...options, out, resume: true }, { onProgress: onPlace });
  assert.ok(places[0] > 0.2, `${places[0]}`);
});
