import assert from "node:assert/strict";
import { mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { checkJob, knownJob, refuseOutside } from "../../src/queue/jobs.js";
import { temporaryFolder } from "../helpers.js";

const FOLDER = "/share/out.csv.parts";

describe("a job", () => {
  it("is believed as far as enqueue makes it, and no further", () => {
    const part = { name: "part", data: { folder: FOLDER, part: 3, tiles: 8, from: 0, byteOffset: 7 } };
    assert.deepEqual(checkJob(part), { name: "part", data: { folder: FOLDER, part: 3, tiles: 8 } });
    const assemble = { name: "assemble", data: { folder: FOLDER, out: "/etc/passwd" } };
    assert.deepEqual(checkJob(assemble), { name: "assemble", data: { folder: FOLDER } });
  });

  it("is refused where anything else is in it, with what is wrong", () => {
    const good = { folder: FOLDER, part: 3, tiles: 8 };
    const bad: [data: unknown, expected: RegExp][] = [
      [{ ...good, part: "../../../etc/x" }, /data\.part: expected number\)$/],
      [{ ...good, part: -1 }, /data\.part/],
      [{ ...good, part: 1.5 }, /data\.part: expected safe_integer\)$/],
      [{ ...good, part: 2 ** 60 }, /data\.part/],
      [{ ...good, part: null }, /data\.part/],
      [{ ...good, tiles: 0 }, /data\.tiles/],
      [{ ...good, folder: "/share/../etc/x.parts" }, /data\.folder: expected the full path of a run folder/],
      [{ ...good, folder: "x.parts" }, /data\.folder/],
      [{ ...good, folder: "/etc" }, /data\.folder/],
      [{ ...good, folder: "/share/x\0.parts" }, /data\.folder/],
      [{ ...good, folder: ["/share/x.parts"] }, /data\.folder/],
      [[], /data/],
      [undefined, /data/],
    ];
    for (const [data, expected] of bad) {
      const job = { name: "part", data };
      assert.throws(() => checkJob(job), { name: "BadJobError", message: expected }, JSON.stringify(data));
      assert.equal(knownJob(job), undefined);
    }
    assert.throws(() => checkJob({ name: "rm -rf", data: good }), { name: "BadJobError" });
  });
});

describe("a worker's root", () => {
  it("holds its runs, by their real paths", async (t) => {
    const root = temporaryFolder(t);
    const [mine, other] = [join(root, "mine"), join(root, "other")];
    for (const folder of [mine, other]) mkdirSync(join(folder, "x.csv.parts"), { recursive: true });
    await refuseOutside(join(mine, "x.csv.parts"), mine);
    await refuseOutside(join(mine, "done.csv.parts"), mine);
    await refuseOutside(join(mine, "x.csv.parts"), root);
    symlinkSync(other, join(mine, "link"));
    symlinkSync(join(other, "x.csv.parts"), join(mine, "linked.csv.parts"));
    symlinkSync(join(mine, "x.csv.parts"), join(other, "linked.csv.parts"));
    for (const folder of [
      join(other, "x.csv.parts"),
      join(root, "mine-too.csv.parts"),
      join(mine, "link/x.csv.parts"),
      join(mine, "linked.csv.parts"),
      join(other, "linked.csv.parts"),
    ]) {
      await assert.rejects(refuseOutside(folder, mine), { code: "OUTSIDE" }, folder);
    }
  });
});
