/** What cannot be looked at is not what is not there. Root may enter every folder, so a loop of links stands for one that nobody may enter. */
import assert from "node:assert/strict";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { lstat } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { statIfThere } from "../../src/files/facts.js";
import { namesIn } from "../../src/files/output.js";
import * as canopy from "../../src/index.js";
import { temporaryFolder } from "../helpers.js";

/** A path below a folder that is a link to itself. */
function unreachable(t: TestContext, name: string): string {
  const folder = temporaryFolder(t);
  symlinkSync("loop", join(folder, "loop"));
  return join(folder, "loop", name);
}

test("nothing at a path is told from what nobody can look at", async (t) => {
  const folder = temporaryFolder(t);
  writeFileSync(join(folder, "file"), "");
  assert.ok((await statIfThere(join(folder, "file")))?.isFile());
  for (const none of ["none", "file/below", "x".repeat(300)]) {
    assert.equal(await statIfThere(join(folder, none)), undefined);
  }
  const inLoop = { name: "InputError", message: /loop.x cannot be looked at \(ELOOP\)/ };
  await assert.rejects(statIfThere(unreachable(t, "x"), lstat), inLoop);
});

test("a folder that is none, and one that cannot be read", async (t) => {
  const folder = temporaryFolder(t);
  mkdirSync(join(folder, "names"));
  writeFileSync(join(folder, "names", "a"), "");
  assert.deepEqual(await namesIn(join(folder, "names")), ["a"]);
  await assert.rejects(namesIn(join(folder, "names", "a")), { name: "InputError", message: /is not a folder/ });
  await assert.rejects(namesIn(unreachable(t, "x")), { name: "InputError", message: /cannot be read \(ELOOP\)/ });
});

test("every path of a user's says why it cannot be read", async (t) => {
  const path = (name: string) => unreachable(t, name);
  const out = join(temporaryFolder(t), "out.csv");
  const calls: Record<string, () => Promise<unknown>> = {
    input: () => canopy.openTiles(path("tile.jpg")),
    list: () => canopy.openTiles(`@${path("list.txt")}`),
    labels: () => canopy.readLabels(path("labels.csv")),
    predictions: () => canopy.exportLabels({ tiles: [], predictions: path("tags.csv"), out, format: "csv" }),
    model: () => canopy.loadCheckpoint(path("model")),
    import: () => canopy.importBackbone(path("network.onnx")),
    report: () => canopy.report({ model: path("model") }),
    backbone: () => canopy.resolveBackbone(path("network.onnx")),
    root: () => canopy.work({ root: path("runs") }),
  };
  for (const [what, call] of Object.entries(calls)) {
    await assert.rejects(call(), (error: Error) => {
      assert.match(error.message, /ELOOP/, what);
      assert.ok(error instanceof canopy.CanopyError, `${what}: ${error.name}`);
      assert.doesNotMatch(error.message, /does not exist|There is no|holds no/, what);
      return true;
    });
  }
});
