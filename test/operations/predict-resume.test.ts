/** What a run finds of itself and of others: outputs that exist, runs that were interrupted, inputs that have changed since. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { describe, it } from "node:test";
import { InputError, InterruptedError } from "../../src/errors.js";
import { type PredictRunOptions, predictWith } from "../../src/operations/predict.js";
import { toyModel, writeToyTiles } from "../engine/toy.js";
import { temporaryFolder } from "../helpers.js";

const MODEL = toyModel();

const lines = (path: string): string[] => readFileSync(path, "utf8").trimEnd().split("\n");

async function predictToy(options: PredictRunOptions) {
  const warnings: string[] = [];
  const summary = await predictWith(MODEL, { workers: 2, ...options }, { onWarning: (text) => warnings.push(text) });
  return { ...summary, warnings };
}

describe("an output that is there already", () => {
  it("is left alone without `overwrite`, and replaced with it", async (t) => {
    const root = temporaryFolder(t);
    await writeToyTiles(join(root, "in"), 3);
    const out = join(root, "out.csv");
    writeFileSync(out, "precious");
    await assert.rejects(predictToy({ inputs: [join(root, "in")], out }), /exists already.*`overwrite`/);
    await assert.rejects(predictToy({ inputs: [join(root, "in")], out, resume: true }), /without a manifest/);
    assert.equal(readFileSync(out, "utf8"), "precious");
    await predictToy({ inputs: [join(root, "in")], out, overwrite: true });
    assert.equal(lines(out).length, 4);
    assert.deepEqual(readdirSync(root).sort(), ["in", "out.csv", "out.csv.manifest.json"]);
  });

  it("of another kind than csv, jsonl and parquet is wrong usage", async () => {
    await assert.rejects(predictToy({ inputs: ["."], out: "out.xml" }), { name: "OptionError" });
  });

  it("needs nothing done if it is finished and the same is asked for again", async (t) => {
    const root = temporaryFolder(t);
    await writeToyTiles(join(root, "in"), 9);
    const options = { inputs: [join(root, "in")], out: join(root, "out.csv"), resume: true };
    await predictToy(options);
    const again = await predictToy(options);
    assert.deepEqual([again.tiles, again.resumed, again.tilesPerS], [9, 9, null]);
    await assert.rejects(predictToy({ ...options, threshold: 0.1 }), /`threshold` was not given and is 0\.1 now/);
    writeFileSync(join(root, "in/zzz.jpg"), "new");
    await assert.rejects(predictToy(options), /9 tiles then, 10 now/);
    rmSync(join(root, "in/zzz.jpg"));
    utimesSync(join(root, "in/tile_000004.jpg"), 1, 1);
    await assert.rejects(predictToy(options), /is finished, and files of its input have another size or time/);
    assert.ok(!existsSync(`${options.out}.parts`));
  });
});

describe("an interrupted run", () => {
  /** A run stopped after some parts; its tiles are committed eight at a time. */
  async function interrupted(root: string, more: Partial<PredictRunOptions> = {}): Promise<PredictRunOptions> {
    await writeToyTiles(join(root, "in"), 200);
    const options = {
      inputs: [join(root, "in")],
      out: join(root, "out.csv"),
      workers: 2,
      batchSize: 8,
      commit: { tiles: 8 },
      ...more,
    };
    const controller = new AbortController();
    const context = {
      signal: controller.signal,
      onProgress: ({ stage, done }: { stage: string; done: number }) => {
        if (stage === "predict" && done >= 64) controller.abort();
      },
    };
    await assert.rejects(predictWith(MODEL, options, context), InterruptedError);
    assert.ok(!existsSync(options.out));
    return options;
  }

  it("goes on where it stopped, and ends as an undisturbed one", async (t) => {
    const root = temporaryFolder(t);
    const out = join(root, "out.parquet");
    const options = await interrupted(root, { out, probabilities: true });
    await assert.rejects(predictToy(options), /unfinished run.*`resume`.*`overwrite`/);
    const summary = await predictToy({ ...options, resume: true });
    assert.ok(summary.resumed >= 64 && summary.resumed < 200, String(summary.resumed));
    const whole = join(root, "whole.parquet");
    await predictToy({ ...options, out: whole });
    for (const ending of ["", ".manifest.json"]) {
      assert.equal(Buffer.compare(readFileSync(`${out}${ending}`), readFileSync(`${whole}${ending}`)), 0, ending);
    }
    assert.ok(!existsSync(`${out}.parts`));
  });

  it("is not resumed with another model, option or input, and says which", async (t) => {
    const root = temporaryFolder(t);
    const options = { ...(await interrupted(root)), resume: true };
    await assert.rejects(predictToy({ ...options, threshold: 0.25 }), /`threshold` was not given and is 0\.25 now/);
    await assert.rejects(predictToy({ ...options, probabilities: true }), /`probabilities` was false and is true now/);
    const other = toyModel({ thresholds: Float32Array.of(0.5, 0.5, 0.4) });
    await assert.rejects(predictWith(other, options), /model \(SHA-256\) was/);
    const [from, to] = [join(root, "in/tile_000150.jpg"), join(root, "in/tile_000150b.jpg")];
    renameSync(from, to);
    await assert.rejects(predictToy(options), (error: Error) => {
      assert.ok(error instanceof InputError);
      assert.match(error.message, /input has changed.*tile 151 was .*tile_000150\.jpg.* is .*tile_000150b\.jpg/);
      return true;
    });
    renameSync(to, from);
    rmSync(join(root, "in/tile_000199.jpg"));
    await assert.rejects(predictToy(options), /tile_000199\.jpg is not there any more/);
    writeFileSync(join(root, "in/tile_000199.jpg"), "other");
    writeFileSync(join(root, "in/tile_000200.jpg"), "new");
    await assert.rejects(predictToy(options), /began with 200 tiles.*tile_000200\.jpg/);
    rmSync(join(root, "in/tile_000200.jpg"));
    const read = join(root, "in/tile_000003.jpg");
    const { atime, mtime } = statSync(read);
    utimesSync(read, atime, new Date(mtime.getTime() + 1000));
    await assert.rejects(
      predictToy(options),
      /input has changed.*tile_000003\.jpg has another size or time.*Restore it \(with its time\).*`overwrite`/,
    );
    utimesSync(read, atime, mtime);
    // What the run has not come to yet may change: it is read when its turn comes.
    assert.deepEqual((await predictToy(options)).rejected, 1);
  });

  it("is not resumed where a file changed after it was listed and before it was read", async (t) => {
    const root = temporaryFolder(t);
    await writeToyTiles(join(root, "in"), 400);
    const options = { inputs: [join(root, "in")], out: join(root, "out.csv"), batchSize: 2, commit: { tiles: 8 } };
    const controller = new AbortController();
    const onProgress = ({ stage, done }: { stage: string; done: number }) => {
      if (stage !== "predict") return;
      // Far behind what is read ahead.
      if (done === 2) utimesSync(join(root, "in/tile_000300.jpg"), 1, 1);
      if (done >= 320) controller.abort();
    };
    await assert.rejects(predictWith(MODEL, options, { signal: controller.signal, onProgress }), InterruptedError);
    await assert.rejects(predictToy({ ...options, resume: true }), /tile_000300\.jpg has another size or time/);
  });

  it("of an archive or of standard input is not resumed with other bytes in it", async (t) => {
    const root = temporaryFolder(t);
    await writeToyTiles(join(root, "in"), 200);
    const tar = join(root, "in.tar");
    execFileSync("tar", ["--sort=name", "-cf", tar, "-C", root, "in"]);
    const options = { ...(await interrupted(root, { inputs: [tar] })), resume: true };
    utimesSync(tar, 1, 1);
    await assert.rejects(
      predictToy(options),
      /in\.tar \(which holds .*in\.tar#in\/tile_000000\.jpg\) has another size/,
    );

    const bytes = readFileSync(tar);
    const piped = await interrupted(root, {
      inputs: ["-"],
      stdin: Readable.from([bytes]),
      out: join(root, "piped.csv"),
    });
    const other = Buffer.from(bytes);
    other[700] = other[700] ^ 1;
    const again = (archive: Buffer) => predictToy({ ...piped, resume: true, stdin: Readable.from([archive]) });
    await assert.rejects(again(other), /standard input brings another archive/);
    await assert.rejects(again(Buffer.alloc(0)), /or the copy of the first one is damaged/);
    const controller = new AbortController();
    const onProgress = ({ stage }: { stage: string }) => void (stage === "predict" && controller.abort());
    const stopped = { ...piped, resume: true, stdin: Readable.from([bytes]) };
    await assert.rejects(predictWith(MODEL, stopped, { signal: controller.signal, onProgress }), InterruptedError);
    const whole = await again(Buffer.alloc(0));
    assert.deepEqual([whole.tiles, whole.predicted], [200, 200]);
    assert.ok(whole.resumed > 0);
    assert.equal((await again(bytes)).tilesPerS, null);
  });

  it("goes on where a tile that was missing is there now: it stays rejected, and is named", async (t) => {
    const root = temporaryFolder(t);
    await writeToyTiles(join(root, "in"), 1);
    const tile = join(root, "in/tile_000000.jpg");
    writeFileSync(join(root, "list.txt"), [tile, join(root, "gone.jpg"), tile, tile].join("\n"));
    const listed = { inputs: [`@${join(root, "list.txt")}`], out: join(root, "listed.csv"), batchSize: 1 };
    const controller = new AbortController();
    const onProgress = ({ done }: { done: number }) => void (done === 2 && controller.abort());
    const context = { signal: controller.signal, onProgress };
    await assert.rejects(predictWith(MODEL, { ...listed, commit: { tiles: 1 } }, context), InterruptedError);
    writeFileSync(join(root, "gone.jpg"), readFileSync(tile));
    const { rejected, warnings } = await predictToy({ ...listed, resume: true });
    assert.equal(rejected, 1);
    assert.match(warnings.join(), /gone\.jpg was not there when the run began, and is now: what was rejected stays so/);
    const again = await predictToy({ inputs: [`@${listed.out}.rejects.jsonl`], out: join(root, "again.csv") });
    assert.deepEqual([again.predicted, again.rejected], [1, 0]);
  });

  it("by another version of canopy is refused, and says so", async (t) => {
    const root = temporaryFolder(t);
    const options = { ...(await interrupted(root)), resume: true };
    const file = join(`${options.out}.parts`, "run.json");
    writeFileSync(file, readFileSync(file, "utf8").replace('"version": 4', '"version": 3'));
    await assert.rejects(
      predictToy(options),
      /was begun by another version of canopy \(its format is 3, this one's 4\): finish it with that one, or start anew/,
    );
  });

  it("does a damaged or lost part again", async (t) => {
    const root = temporaryFolder(t);
    const options = { ...(await interrupted(root)), resume: true };
    const rows = join(`${options.out}.parts`, "part-000003.rows");
    writeFileSync(rows, readFileSync(rows, "utf8").replace("tile", "tale"));
    const summary = await predictToy(options);
    assert.ok(summary.warnings.some((text) => /Part 3 does not match its checksum/.test(text)));
    // Three parts of one or, on a slow machine, several batches are sound.
    assert.ok(summary.resumed >= 24 && summary.resumed < 200, String(summary.resumed));
    assert.equal(lines(options.out).length, 201);
    assert.ok(!readFileSync(options.out, "utf8").includes("tale"));
  });

  it("names a part that is damaged when the output is put together, in each format", async (t) => {
    const root = temporaryFolder(t);
    for (const format of ["csv", "jsonl", "parquet"]) {
      const out = join(root, `out.${format}`);
      const options = { ...(await interrupted(root, { out, probabilities: true })), resume: true };
      const rows = join(`${out}.parts`, "part-000002.rows");
      const onProgress = ({ stage }: { stage: string }) => {
        if (stage === "predict" && existsSync(rows)) writeFileSync(rows, readFileSync(rows).fill(88, 0, 20));
      };
      await assert.rejects(predictWith(MODEL, options, { onProgress }), /part-000002\.rows is damaged; `resume` does/);
      assert.deepEqual((await predictToy(options)).predicted, 200);
    }
  });

  it("that never began leaves nothing behind for the next: a broken copy of standard input is removed first", async (t) => {
    const root = temporaryFolder(t);
    await writeToyTiles(join(root, "in"), 3);
    const [out, folder] = [join(root, "out.csv"), join(root, "out.csv.parts")];
    mkdirSync(folder);
    for (const name of ["stdin-1234", "stdin.tar", "part-000000.rows"]) writeFileSync(join(folder, name), "rest");
    let seen: string[] = [];
    const onProgress = () => {
      if (existsSync(folder)) seen = [...seen, ...readdirSync(folder)];
    };
    await predictWith(MODEL, { inputs: [join(root, "in")], out, resume: true, commit: { tiles: 1 } }, { onProgress });
    assert.ok(seen.includes("tiles.jsonl"));
    assert.deepEqual(
      seen.filter((name) => name.startsWith("stdin")),
      [],
    );
  });

  it("is finished by one process at a time", async (t) => {
    const root = temporaryFolder(t);
    const options = { ...(await interrupted(root)), resume: true };
    const both = await Promise.allSettled([predictToy(options), predictToy(options)]);
    const failed = both.find((result) => result.status === "rejected");
    assert.match(String(failed?.reason), /is working on this output/);
    assert.equal(both.filter((result) => result.status === "fulfilled").length, 1);
    assert.equal(lines(options.out).length, 201);
  });
});
