/** Runs whose input goes while they read it: a share, a disk, an archive. They stop with what is done, and go on once it is back. */
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { MAX_UNREADABLE } from "../../src/isolation/lost-input.js";
import { type PredictRunOptions, predictWith } from "../../src/operations/predict.js";
import type { PartRecord } from "../../src/run/formats.js";
import { toyModel, writeToyTiles } from "../engine/toy.js";
import { temporaryFolder } from "../helpers.js";

const MODEL = toyModel();
const RUN = { workers: 2, batchSize: 16, probabilities: true, commit: { tiles: 64 } };

/** Predicts, and does `act` once, when so many tiles are done. */
async function predictUntil(options: PredictRunOptions, tiles: number, act: () => void) {
  let acted = false;
  const onProgress = ({ stage, done }: { stage: string; done: number }): void => {
    if (acted || stage !== "predict" || done < tiles) return;
    acted = true;
    act();
  };
  return predictWith(MODEL, options, { onProgress });
}

/** All that the unfinished run of `out` has committed. */
function partsOf(out: string): PartRecord[] {
  const folder = `${out}.parts`;
  const records = readdirSync(folder).filter((name) => /^part-\d+\.json$/.test(name));
  return records.map((name) => JSON.parse(readFileSync(join(folder, name), "utf8")));
}

function assertSame(out: string, whole: string): void {
  for (const file of ["", ".rejects.jsonl"]) {
    assert.equal(existsSync(`${out}${file}`), existsSync(`${whole}${file}`));
    if (existsSync(whole + file)) assert.deepEqual(readFileSync(out + file), readFileSync(whole + file));
  }
}

describe("a run whose input goes", () => {
  it("with its folder stops with an error that says what to do, and ends as an undisturbed one when it is back", async (t) => {
    const root = temporaryFolder(t);
    const [folder, away] = [join(root, "in"), join(root, "away")];
    await writeToyTiles(folder, 1700);
    // Some tiles are bad from the start, and stay so.
    for (let i = 0; i < 1700; i += 40) {
      const name = `tile_${String(i).padStart(6, "0")}b.jpg`;
      if (i % 80 === 0) symlinkSync("nowhere.jpg", join(folder, name));
      else writeFileSync(join(folder, name), "no picture");
    }
    const whole = join(root, "whole.csv");
    await predictWith(MODEL, { ...RUN, inputs: [folder], out: whole });
    const options = { ...RUN, inputs: [folder], out: join(root, "out.csv") };
    const gone = predictUntil(options, 400, () => {
      renameSync(folder, away);
      mkdirSync(folder);
    });
    await assert.rejects(gone, (error: Error & { code: string }) => {
      assert.equal(error.code, "LOST_INPUT");
      assert.match(
        error.message,
        /^1000 tiles in a row cannot be read, the first is \S+tile_\d+b?\.jpg \(Cannot open file: No such file or directory\)/i,
      );
      assert.match(error.message, /go on with `resume`.*`overwrite`.*with a larger `maxUnreadable`, or none/);
      return true;
    });
    assert.ok(!existsSync(options.out));
    const parts = partsOf(options.out);
    assert.ok(parts.length >= 5);
    // Nothing that the loss has touched is committed, also where it was read beside tiles that still could be.
    for (const { path } of parts.flatMap(({ rejects }) => rejects)) assert.match(path, /b\.jpg$/);
    assert.ok(!existsSync(join(`${options.out}.parts`, "in-flight-run")), "the stop looks like a crash");
    await assert.rejects(predictWith(MODEL, { ...options, resume: true }), /No tiles in/);
    rmdirSync(folder);
    renameSync(away, folder);
    const summary = await predictWith(MODEL, { ...options, resume: true });
    assert.ok(summary.resumed >= 320, String(summary.resumed));
    assertSame(options.out, whole);
  });

  it("with the volume it is on is stopped, and goes on when that is mounted again", async (t) => {
    const root = temporaryFolder(t);
    const [volume, folder] = [join(root, "volume"), join(root, "mnt")];
    await writeToyTiles(volume, 1000);
    mkdirSync(folder);
    const mount = () => spawnSync("mount", ["--bind", volume, folder]).status === 0;
    if (!mount()) return t.skip("nothing can be mounted here");
    try {
      const options = { ...RUN, inputs: [folder], out: join(root, "out.parquet"), maxUnreadable: 300 };
      const gone = predictUntil(options, 400, () => execFileSync("umount", ["-l", folder]));
      await assert.rejects(gone, { code: "LOST_INPUT" });
      assert.ok(mount());
      const summary = await predictWith(MODEL, { ...options, resume: true });
      assert.deepEqual([summary.tiles, summary.rejected], [1000, 0]);
      assert.ok(summary.resumed >= 320, String(summary.resumed));
    } finally {
      spawnSync("umount", ["-l", folder]);
    }
  });

  it("with its archive is stopped, too", async (t) => {
    const root = temporaryFolder(t);
    await writeToyTiles(join(root, "in"), 1000);
    const tar = join(root, "in.tar");
    execFileSync("tar", ["--sort=name", "-cf", tar, "-C", root, "in"]);
    const options = { ...RUN, inputs: [tar], out: join(root, "out.jsonl"), maxUnreadable: 300 };
    const gone = predictUntil(options, 300, () => renameSync(tar, join(root, "away.tar")));
    await assert.rejects(
      gone,
      /^LostInputError: 300 tiles in a row .*in\.tar#in\/tile_\d+\.jpg \(Cannot open file: No such/,
    );
    await assert.rejects(predictWith(MODEL, { ...options, resume: true }), /in\.tar does not exist/);
    renameSync(join(root, "away.tar"), tar);
    const summary = await predictWith(MODEL, { ...options, resume: true });
    assert.deepEqual([summary.tiles, summary.rejected], [1000, 0]);
    assert.ok(summary.resumed >= 200, String(summary.resumed));
  });

  it("shortly before its end is stopped where tiles that were read before cannot be read any more", async (t) => {
    const root = temporaryFolder(t);
    const [folder, away] = [join(root, "in"), join(root, "away")];
    await writeToyTiles(folder, 600);
    const options = { ...RUN, inputs: [folder], out: join(root, "out.csv"), maxUnreadable: 500 };
    await assert.rejects(
      predictUntil(options, 400, () => renameSync(folder, away)),
      /^LostInputError: 500 tiles in a row/,
    );
    assert.ok(partsOf(options.out).every(({ rejected }) => rejected === 0));
    renameSync(away, folder);
    assert.equal((await predictWith(MODEL, { ...options, resume: true })).rejected, 0);
  });
});

describe("a list of which many files are missing", () => {
  async function writeList(root: string, missing: number): Promise<string> {
    await writeToyTiles(join(root, "in"), 20);
    const good = readdirSync(join(root, "in"))
      .sort()
      .map((name) => join(root, "in", name));
    const absent = Array.from({ length: missing }, (_, i) => join(root, `gone/${i}.jpg`));
    writeFileSync(join(root, "list.txt"), [...good.slice(0, 10), ...absent, ...good.slice(10)].join("\n"));
    return `@${join(root, "list.txt")}`;
  }

  it(`is predicted with ${MAX_UNREADABLE - 1} in a row, which are rejected`, async (t) => {
    const root = temporaryFolder(t);
    const inputs = [await writeList(root, MAX_UNREADABLE - 1)];
    const { predicted, rejected } = await predictWith(MODEL, { inputs, out: join(root, "out.csv"), workers: 2 });
    assert.deepEqual([predicted, rejected], [20, 999]);
  });

  it(`stops with ${MAX_UNREADABLE}, and goes on where they are said to be missing`, async (t) => {
    const root = temporaryFolder(t);
    const options = { ...RUN, inputs: [await writeList(root, MAX_UNREADABLE)], out: join(root, "out.csv") };
    await assert.rejects(
      predictWith(MODEL, options),
      /^LostInputError: 1000 tiles in a row .*the first is \S+gone\/0\.jpg/,
    );
    assert.ok(partsOf(options.out).every(({ rejected }) => rejected === 0));
    const summary = await predictWith(MODEL, { ...options, resume: true, maxUnreadable: null });
    assert.deepEqual([summary.predicted, summary.rejected], [20, 1000]);
  });

  it("stops at once where all of it is wrong", async (t) => {
    const root = temporaryFolder(t);
    const paths = Array.from({ length: MAX_UNREADABLE + 50 }, (_, i) => join(root, `${i}.jpg`));
    writeFileSync(join(root, "list.txt"), paths.join("\n"));
    const options = { inputs: [`@${join(root, "list.txt")}`], out: join(root, "out.csv"), workers: 2 };
    await assert.rejects(predictWith(MODEL, options), /the first is \S+\/0\.jpg .*If the list is wrong, mend it/);
    for (const maxUnreadable of [0, 1.5, 1_000_000]) {
      await assert.rejects(predictWith(MODEL, { ...options, maxUnreadable }), { name: "OptionError" });
    }
  });
});

describe("the rejected tiles of a run", () => {
  it("are taken up again by naming the rejects file: files, folders and members of archives", async (t) => {
    const root = temporaryFolder(t);
    const truth = await writeToyTiles(join(root, "in"), 30);
    execFileSync("tar", ["--sort=name", "-cf", join(root, "set.tar"), "-C", root, "in"]);
    writeFileSync(join(root, "in/bad.jpg"), "no picture");
    const paths = [
      join(root, "in/bad.jpg"),
      join(root, "gone.jpg"),
      join(root, "later.tar"),
      join(root, "in/tile_000001.jpg"),
    ];
    writeFileSync(join(root, "list.txt"), paths.join("\n"));
    const [out, again] = [join(root, "out.csv"), join(root, "again.jsonl")];
    const first = await predictWith(MODEL, { inputs: [`@${join(root, "list.txt")}`], out });
    assert.deepEqual([first.predicted, first.rejected], [1, 3]);

    const rejects = `${out}.rejects.jsonl`;
    renameSync(join(root, "set.tar"), join(root, "later.tar"));
    renameSync(join(root, "in/tile_000002.jpg"), join(root, "gone.jpg"));
    const member = { path: `${join(root, "later.tar")}#in/tile_000005.jpg`, code: "READ" };
    writeFileSync(rejects, `${readFileSync(rejects, "utf8")}${JSON.stringify(member)}\n`);
    const second = await predictWith(MODEL, { inputs: [`@${rejects}`], out: again });
    assert.deepEqual([second.predicted, second.rejected], [32, 1]);
    const rows = readFileSync(again, "utf8").trimEnd().split("\n");
    for (const row of rows) {
      const { image_name, tags } = JSON.parse(row);
      assert.deepEqual(tags, truth.get(image_name === "gone" ? "tile_000002" : image_name));
    }
    assert.match(readFileSync(`${again}.rejects.jsonl`, "utf8"), /in\/bad\.jpg/);
  });
});
