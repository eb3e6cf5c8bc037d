/** What is put together is what the list says: each tile once. */
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { predictWith } from "../../src/operations/predict.js";
import { assemble } from "../../src/run/assemble.js";
import type { PartRecord } from "../../src/run/formats.js";
import { readIdentity } from "../../src/run/identity.js";
import { type RunPaths, runFiles, runPaths } from "../../src/run/paths.js";
import { toyModel, writeToyTiles } from "../engine/toy.js";
import { temporaryFolder } from "../helpers.js";

/** A run of 24 tiles in parts of 8 that has all its parts, and is stopped before they are put together. */
async function wholeRun(root: string): Promise<RunPaths> {
  await writeToyTiles(join(root, "in"), 24);
  const out = join(root, "out.csv");
  const controller = new AbortController();
  const onProgress = ({ stage }: { stage: string }) => void (stage === "write" && controller.abort());
  const options = { inputs: [join(root, "in")], out, workers: 1, batchSize: 8, commit: { tiles: 8 } };
  await assert.rejects(predictWith(toyModel(), options, { signal: controller.signal, onProgress }));
  return runPaths(out);
}

function changeRecord(folder: string, part: number, change: (record: PartRecord) => PartRecord): void {
  const path = runFiles(folder).record(part);
  writeFileSync(path, JSON.stringify(change(JSON.parse(readFileSync(path, "utf8")))));
}

/** Lets part 1 have the rows and the record of part 0, in its own place. */
function repeatFirstPart(folder: string): void {
  const files = runFiles(folder);
  writeFileSync(files.rows(1), readFileSync(files.rows(0)));
  const { sha256, bytes, tilesSha256 } = JSON.parse(readFileSync(files.record(0), "utf8")) as PartRecord;
  changeRecord(folder, 1, (record) => ({ ...record, sha256, bytes, tilesSha256 }));
}

describe("parts that are put together", () => {
  it("are refused where one has other tiles than the list, though their number is right", async (t) => {
    const paths = await wholeRun(temporaryFolder(t));
    const identity = (await readIdentity(paths.folder))!;
    repeatFirstPart(paths.folder);
    await assert.rejects(assemble(paths, identity, {}), /part-000001\.json is damaged; `resume` does this part again/);
    assert.ok(!existsSync(paths.out) && existsSync(paths.folder));
  });

  it("are refused where one is missing, or does not begin where the one before ends", async (t) => {
    const paths = await wholeRun(temporaryFolder(t));
    const identity = (await readIdentity(paths.folder))!;
    changeRecord(paths.folder, 1, (record) => ({ ...record, first: 0 }));
    await assert.rejects(assemble(paths, identity, {}), { code: "INCOMPLETE", message: /the first 8 of 24 tiles/ });
    rmSync(runFiles(paths.folder).record(1));
    await assert.rejects(assemble(paths, identity, {}), { code: "INCOMPLETE", message: /the first 8 of 24 tiles/ });
    assert.deepEqual(readdirSync(join(paths.folder, "..")).sort(), ["in", "out.csv.parts"]);
  });

  it("become the output where all is well", async (t) => {
    const paths = await wholeRun(temporaryFolder(t));
    const manifest = await assemble(paths, (await readIdentity(paths.folder))!, {});
    assert.equal(manifest.predicted, 24);
    assert.equal(readFileSync(paths.out, "utf8").trimEnd().split("\n").length, 25);
    assert.ok(!existsSync(paths.folder));
  });
});
