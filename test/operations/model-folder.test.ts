import assert from "node:assert/strict";
import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { resumablePath } from "../../src/files/temporary.js";
import { checkModelFolder, refuseInterrupted } from "../../src/operations/model-folder.js";
import { temporaryFolder } from "../helpers.js";

describe("a model's folder", () => {
  it("may be new, empty, or a model's that is to be overwritten, and nothing is left of the trial", async (t) => {
    const root = temporaryFolder(t);
    const out = join(root, "model");
    await checkModelFolder(out, { overwrite: false });
    mkdirSync(out);
    await checkModelFolder(out, { overwrite: false });
    writeFileSync(join(out, "notes.txt"), "mine");
    await assert.rejects(checkModelFolder(out, { overwrite: true }), /is not a model's folder/);
    writeFileSync(join(out, "model.json"), "{}");
    await assert.rejects(checkModelFolder(out, { overwrite: false }), /exists already/);
    await checkModelFolder(out, { overwrite: true });
    assert.deepEqual(readdirSync(root), ["model"]);
  });

  it("that a crash left under another name is put back, and not overwritten unasked", async (t) => {
    const root = temporaryFolder(t);
    const out = join(root, "model");
    mkdirSync(resumablePath(`${out}.replaced`));
    writeFileSync(join(resumablePath(`${out}.replaced`), "model.json"), "{}");
    await assert.rejects(checkModelFolder(out, { overwrite: false }), /exists already/);
    assert.deepEqual(readdirSync(out), ["model.json"]);
  });

  it("is not begun anew, unasked, beside an interrupted training or fine-tuning of it", (t) => {
    const out = join(temporaryFolder(t), "model");
    refuseInterrupted(out);
    for (const ending of [".training", ".finetune"]) {
      writeFileSync(`${out}${ending}`, "hours of work");
      assert.throws(() => refuseInterrupted(`${out}/`), { name: "InputError", message: /`resume`, or .+`overwrite`/ });
      rmSync(`${out}${ending}`);
    }
  });
});
