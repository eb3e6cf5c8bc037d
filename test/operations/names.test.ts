/** Tiles of one file name in several folders. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { before, describe, it } from "node:test";
import { merge } from "../../src/operations/merge.js";
import { type PredictRunOptions, predictWith } from "../../src/operations/predict.js";
import { toyModel, toyPalette } from "../engine/toy.js";
import { suiteFolder, temporaryFolder } from "../helpers.js";

const PLACES = ["14/8190/5460", "14/8190/5461", "14/8191/5460", "14/8191/5461", "15/1/5460"];

describe("tiles of one file name", () => {
  const root = suiteFolder();
  const set = join(root, "set");
  const warnings: string[] = [];
  const run = (out: string, more: Partial<PredictRunOptions> = {}) => {
    warnings.length = 0;
    const options = { inputs: set, out, workers: 1, overwrite: true, ...more };
    return predictWith(toyModel(), options, { onWarning: (message) => void warnings.push(message) });
  };
  const namesIn = (out: string): string[] => {
    const [, ...rows] = readFileSync(out, "utf8").trimEnd().split("\n");
    return rows.map((row) => row.split(",")[0]).sort();
  };

  before(async () => {
    const [{ jpeg }] = await toyPalette();
    for (const place of PLACES) {
      mkdirSync(dirname(join(set, place)), { recursive: true });
      writeFileSync(join(set, `${place}.jpg`), jpeg);
    }
    writeFileSync(join(set, "15/1/bad.jpg"), "no picture");
    execFileSync("tar", ["-cf", join(root, "set.tar"), "-C", set, "./14", "./15"]);
  });

  it("are called by their files, with a warning that says what tells them apart", async (t) => {
    const out = join(temporaryFolder(t), "tags.csv");
    await run(out);
    assert.deepEqual(namesIn(out), ["5460", "5460", "5460", "5461", "5461"]);
    assert.match(warnings.join(), /3 tiles have the name of an earlier one.*\(`names: path` keeps their folders\)/);
  });

  it("are called by their paths if asked for, the same in folders, archives, shards and after merge", async (t) => {
    const folder = temporaryFolder(t);
    for (const input of [set, join(root, "set.tar"), join(root, "*et")]) {
      const out = join(folder, "tags.csv");
      await run(out, { inputs: input, names: "path" });
      assert.deepEqual(namesIn(out), PLACES);
      assert.deepEqual(warnings, []);
      assert.equal(JSON.parse(readFileSync(`${out}.rejects.jsonl`, "utf8")).name, "15/1/bad");
    }
    const outputs = [1, 2].map((index) => join(folder, `${index}.jsonl`));
    for (const [i, out] of outputs.entries()) await run(out, { names: "path", shard: { index: i + 1, count: 2 } });
    const all = join(folder, "all.csv");
    await merge({ outputs, out: all });
    assert.deepEqual(namesIn(all), PLACES);
  });

  it("are not called otherwise in a run that goes on, or is merged", async (t) => {
    const folder = temporaryFolder(t);
    const [one, other] = ["a.csv", "b.csv"].map((name) => join(folder, name));
    await run(one, { names: "path" });
    const again = run(one, { resume: true, overwrite: false });
    await assert.rejects(again, /`names` was path and is file now/);
    await run(other);
    await assert.rejects(
      merge({ outputs: [one, other], out: join(folder, "c.csv") }),
      /`names` is file, and path there/,
    );
    await assert.rejects(run(one, { names: "folder" as never }), /Expected `names` to be one of file, path/);
  });
});
