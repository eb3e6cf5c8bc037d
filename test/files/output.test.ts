import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { InputError } from "../../src/errors.js";
import { syncFolder } from "../../src/files/folder.js";
import { checkOutput, ensureFolder } from "../../src/files/output.js";
import { fix } from "../../src/operations/fix.js";
import { checkModelFolder } from "../../src/operations/model-folder.js";
import { predictWith } from "../../src/operations/predict.js";
import { synthesize } from "../../src/operations/synth.js";
import { toyModel, writeToyTiles } from "../engine/toy.js";
import { temporaryFolder } from "../helpers.js";

/** In /proc not even root can make a folder. */
const noProc = existsSync("/proc/self") ? {} : { skip: "there is no /proc here" };

const refusal = (message: RegExp) => (error: unknown) => {
  assert.ok(error instanceof InputError, String(error));
  assert.match(error.message, message);
  return true;
};

describe("a folder for outputs", () => {
  it("is made with those above it, and may be there already", async (t) => {
    const path = join(temporaryFolder(t), "a/b/c");
    await ensureFolder(path);
    await ensureFolder(path);
    assert.ok(existsSync(path));
  });

  it("is flushed, or the error of opening it is told", async (t) => {
    const root = temporaryFolder(t);
    await syncFolder(root);
    await assert.rejects(syncFolder(join(root, "gone")), { name: "WriteError", systemCode: "ENOENT" });
  });

  it("is refused where a file is in the way", async (t) => {
    const file = join(temporaryFolder(t), "base.csv");
    writeFileSync(file, "mine");
    await assert.rejects(ensureFolder(file), refusal(/base\.csv is not a folder; name another/));
    await assert.rejects(
      ensureFolder(join(file, "a/b")),
      refusal(/base\.csv is not a folder, so there can be no folder/),
    );
    assert.equal(readFileSync(file, "utf8"), "mine");
  });

  it("is refused where it cannot be made", noProc, async () => {
    await assert.rejects(ensureFolder("/proc/canopy/a"), refusal(/\/proc\/canopy cannot be made/));
  });
});

describe("an output where no folder can be", () => {
  it("is refused by every command before it works", async (t) => {
    const root = temporaryFolder(t);
    await writeToyTiles(join(root, "in"), 1);
    writeFileSync(join(root, "file"), "mine");
    const inputs = [join(root, "in")];
    for (const place of [join(root, "file"), ...(existsSync("/proc/self") ? ["/proc/canopy"] : [])]) {
      const message = new RegExp(`${place} (is not a folder|cannot be made)`);
      await assert.rejects(predictWith(toyModel(), { inputs, out: join(place, "o.csv") }), refusal(message));
      await assert.rejects(fix({ inputs, out: join(place, "o") }), refusal(message));
      await assert.rejects(synthesize({ count: 1, size: 16, out: join(place, "o") }), refusal(message));
      await assert.rejects(checkModelFolder(join(place, "m"), { overwrite: false }), refusal(message));
      await assert.rejects(checkOutput(join(place, "o.csv")), refusal(message));
    }
    assert.deepEqual(readdirSync(root).sort(), ["file", "in"]);
  });

  it("is refused for a model directly in a place where nothing can be made", noProc, async () => {
    await assert.rejects(checkModelFolder("/proc/canopy", { overwrite: false }), refusal(/cannot be (made|written)/));
  });
});

describe("a device to write into", { skip: existsSync("/dev/null") ? false : "there is no /dev/null here" }, () => {
  it("is refused, and stays", async () => {
    await assert.rejects(checkOutput("/dev/null", true), refusal(/\/dev\/null is a device or a pipe, not a file/));
  });
});

describe("a file to write that is a folder", () => {
  it("is refused, and nothing is left behind", async (t) => {
    const root = temporaryFolder(t);
    await writeToyTiles(join(root, "in"), 1);
    const out = join(root, "d.csv");
    mkdirSync(out);
    for (const overwrite of [false, true]) {
      const options = { inputs: [join(root, "in")], out, overwrite };
      await assert.rejects(predictWith(toyModel(), options), refusal(/d\.csv is a folder/));
      await assert.rejects(checkOutput(out, overwrite), refusal(/d\.csv is a folder/));
    }
    assert.deepEqual([readdirSync(root).sort(), readdirSync(out)], [["d.csv", "in"], []]);
  });
});
