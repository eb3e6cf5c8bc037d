import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { hash } from "node:crypto";
import fs, { existsSync, mkdirSync, readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { open } from "node:fs/promises";
import { syncBuiltinESMExports } from "node:module";
import { basename, join } from "node:path";
import { describe, it } from "node:test";
import { Draft } from "../../src/files/draft.js";
import { createFolderDraft } from "../../src/files/folder-draft.js";
import { clearDrafts, draftPath, resumablePath } from "../../src/files/temporary.js";
import { writePieces, writeTogether, writeWhole, writeWith } from "../../src/files/write.js";
import { explainWriteError, pointToResume, WriteError } from "../../src/files/write-error.js";
import { mountDisk, temporaryFolder } from "../helpers.js";

const isFull = (error: unknown) => {
  assert.ok(error instanceof WriteError, String(error));
  assert.equal(error.code, "DISK_FULL");
  return true;
};

describe("writing a file", () => {
  it("needs no `sync` of handles, which Yarn's Plug'n'Play does not have", async (t) => {
    const path = join(temporaryFolder(t), "a.txt");
    const handle = await open(path, "w");
    await handle.close();
    for (const name of ["sync", "datasync"] as const) {
      t.mock.method(Object.getPrototypeOf(handle), name, () => {
        throw new Error("Method not implemented.");
      });
    }
    await writeWhole(path, "whole");
    assert.equal(readFileSync(path, "utf8"), "whole");
    await writePieces(path, [Buffer.alloc(20 << 20), "piece"]);
    assert.equal(statSync(path).size, (20 << 20) + 5);
  });

  it("replaces what is there, whole, from text, bytes or pieces", async (t) => {
    const path = join(temporaryFolder(t), "a.txt");
    await writeWhole(path, "one");
    await writeWhole(path, Buffer.from("two"));
    assert.equal(readFileSync(path, "utf8"), "two");
    const pieces = Array.from({ length: 30_000 }, (_, i) => `${i}\n`);
    const { bytes } = await writePieces(path, pieces);
    assert.equal(readFileSync(path, "utf8"), pieces.join(""));
    assert.equal(bytes, pieces.join("").length);
    await writePieces(path, []);
    assert.equal(readFileSync(path, "utf8"), "");
    assert.deepEqual(readdirSync(join(path, "..")), ["a.txt"]);
  });

  it("leaves the old file and no draft where the disk ends in the middle of the new one", async (t) => {
    const disk = temporaryFolder(t);
    if (!mountDisk(disk, "32k")) return t.skip("a small tmpfs cannot be mounted here");
    try {
      const [path, other] = [join(disk, "a.txt"), join(disk, "b.txt")];
      await writeWhole(path, "mine");
      const content = "x".repeat(40_000);
      await assert.rejects(writeWhole(path, content), isFull);
      await assert.rejects(writePieces(path, [content.slice(1), content]), isFull);
      await assert.rejects(
        writeTogether([
          { path: other, content: "small" },
          { path, content },
        ]),
        isFull,
      );
      assert.equal(readFileSync(path, "utf8"), "mine");
      assert.deepEqual(readdirSync(disk), ["a.txt"]);
    } finally {
      execFileSync("umount", [disk]);
    }
  });

  it("lets no more people read the new file than the old one", async (t) => {
    const path = join(temporaryFolder(t), "a.txt");
    writeFileSync(path, "private", { mode: 0o600 });
    await writeWhole(path, "new");
    await writePieces(path, ["newer"]);
    assert.equal(statSync(path).mode & 0o777, process.platform === "win32" ? 0o666 : 0o600);
  });

  it("leaves the old file where whoever fills the new one fails", async (t) => {
    const path = join(temporaryFolder(t), "a.txt");
    await writeWhole(path, "mine");
    const failing = writeWith(path, async (draft) => {
      await draft.write("half");
      throw new RangeError("broken");
    });
    await assert.rejects(failing, /broken/);
    assert.deepEqual(readdirSync(join(path, "..")), ["a.txt"]);
  });

  it("takes a name of any length the file system takes", async (t) => {
    const folder = temporaryFolder(t);
    await writeWhole(join(folder, "n".repeat(255)), "long");
    assert.deepEqual(readdirSync(folder), ["n".repeat(255)]);
    await assert.rejects(writeWhole(join(folder, "n".repeat(256)), ""), /Its name is too long: .* Name another one/);
  });

  it("says in one sentence what the system refused, and what to do", () => {
    const refused = (code: string) =>
      explainWriteError(Object.assign(new Error(), { code, syscall: "write" }), "a.csv") as WriteError;
    const messages: [string, string][] = [
      ["ENOSPC", "No space is left on the disk: a.csv could not be written. Make room and try again."],
      ["EDQUOT", "The disk quota is used up: a.csv could not be written. Make room and try again."],
      ["EIO", "The disk failed (EIO): a.csv could not be written. Check it and try again."],
      ["ENODEV", "The system refused (ENODEV): a.csv could not be written. See to it and try again."],
    ];
    for (const [code, message] of messages) assert.equal(refused(code).message, message);
    assert.throws(() => pointToResume(refused("EROFS")), {
      message:
        "The file system is read-only: a.csv could not be written. What was done before is safe: name another place, then go on with `resume`.",
    });
    const foreign = new RangeError("no error of the system");
    assert.equal(explainWriteError(foreign, "a.csv"), foreign);
  });
});

describe("a growing draft", () => {
  it("is under its own name until it is published", async (t) => {
    const path = join(temporaryFolder(t), "a.txt");
    const draft = await Draft.create(path);
    await draft.write("one ");
    const facts = await draft.finish();
    assert.equal(facts.bytes, 4);
    assert.ok(!existsSync(path));
    assert.deepEqual(await draft.publish(), facts);
    await draft.abandon();
    assert.equal(readFileSync(path, "utf8"), "one ");
  });
});

describe("a growing draft of many megabytes", () => {
  it("goes on to the disk every 16 MiB, so that no flush has more to do", async (t) => {
    const path = join(temporaryFolder(t), "a.bin");
    const flushes = t.mock.method(fs, "fdatasync");
    syncBuiltinESMExports();
    t.after(() => {
      t.mock.restoreAll();
      syncBuiltinESMExports();
    });
    const draft = await Draft.create(path);
    for (let i = 0; i < 35; i++) await draft.write(Buffer.alloc(1 << 20));
    assert.equal(flushes.mock.callCount(), 2);
    await draft.abandon();
  });
});

describe("what can be gone on with", () => {
  it("is kept, taken up with all it holds, or begun again", async (t) => {
    const path = join(temporaryFolder(t), "a.txt");
    const first = await Draft.resume(path);
    await first.write("one ");
    await first.keep();
    const second = await Draft.resume(path);
    assert.equal(second.byteLength, 4);
    await second.write("two");
    const whole = await second.publish();
    assert.deepEqual(whole, { bytes: 7, sha256: hash("sha256", "one two") });
    assert.equal(readFileSync(path, "utf8"), "one two");
    const third = await Draft.resume(path);
    await third.write("wrong");
    await third.restart();
    await third.write("right");
    assert.deepEqual(await third.publish(), { bytes: 5, sha256: hash("sha256", "right") });
    assert.equal(readFileSync(path, "utf8"), "right");
  });

  it("leaves nothing where there was nothing to keep", async (t) => {
    const folder = temporaryFolder(t);
    await (await Draft.resume(join(folder, "a.txt"))).keep();
    assert.deepEqual(readdirSync(folder), []);
  });
});

describe("drafts that a killed process left", () => {
  /** A draft's name as `pid` would make it. */
  const draftOf = (path: string, pid: number) => draftPath(path).replace(`-${process.pid}-`, `-${pid}-`);
  const dead = () => spawnSync(process.execPath, ["-e", ""]).pid;

  it("are cleared by the next process that writes into the folder; those of the living are not", async (t) => {
    const folder = temporaryFolder(t);
    const path = join(folder, "a.txt");
    const [left, alive, own] = [draftOf(path, dead()), draftOf(path, process.ppid), draftPath(path)];
    const resumable = resumablePath(path);
    const stranger = join(folder, "notes.canopy-tmp");
    for (const file of [left, alive, own, resumable, stranger]) writeFileSync(file, "");
    mkdirSync(draftOf(join(folder, "model"), dead()));
    await writeWhole(path, "new");
    const expected = [path, alive, own, resumable, stranger].map((file) => basename(file));
    assert.deepEqual(readdirSync(folder).sort(), expected.sort());
  });

  it("are told by their age where the process had this one's number, or another machine's", async (t) => {
    const folder = temporaryFolder(t);
    const elsewhere = (name: string) => draftPath(join(folder, name)).replace(/\.[0-9a-f]{8}-/, ".00000000-");
    const [earlier, old, recent] = [draftPath(join(folder, "a")), elsewhere("b"), elsewhere("c")];
    for (const file of [earlier, old, recent]) writeFileSync(file, "");
    const then = Date.now() / 1000 - process.uptime() - 60;
    utimesSync(earlier, then, then);
    utimesSync(old, then - 86_400, then - 86_400);
    await clearDrafts(folder);
    assert.deepEqual(readdirSync(folder), [basename(recent)]);
  });
});

describe("a folder that appears whole", () => {
  it("takes the place of an old one only when it is published", async (t) => {
    const root = temporaryFolder(t);
    const out = join(root, "model");
    mkdirSync(out);
    writeFileSync(join(out, "old"), "");
    const draft = await createFolderDraft(out);
    await writeWhole(join(draft.path, "new"), "");
    assert.deepEqual(readdirSync(out), ["old"]);
    await draft.publish();
    assert.deepEqual([readdirSync(root), readdirSync(out)], [["model"], ["new"]]);
  });

  it("leaves the old one where it is abandoned, or cannot be put in its place", async (t) => {
    const root = temporaryFolder(t);
    const out = join(root, "model");
    mkdirSync(out);
    writeFileSync(join(out, "old"), "");
    const abandoned = await createFolderDraft(out);
    await abandoned.abandon();
    const lost = await createFolderDraft(out);
    await lost.abandon();
    await assert.rejects(lost.publish(), WriteError);
    assert.deepEqual([readdirSync(root), readdirSync(out)], [["model"], ["old"]]);
  });

  it("gets the old one back where a process was killed between the two renames", async (t) => {
    const root = temporaryFolder(t);
    const out = join(root, "model");
    mkdirSync(resumablePath(`${out}.replaced`));
    await (await createFolderDraft(out)).abandon();
    assert.deepEqual(readdirSync(root), ["model"]);
  });
});
