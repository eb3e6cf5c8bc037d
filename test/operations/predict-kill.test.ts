/**
 * Runs that die: killed at random moments, out of disk, or by a tile that takes its process down. CANOPY_KILLS=20 kills more often
 * than the few times that fit into every test run.
 */
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import sharp from "sharp";
import { loadAddon } from "../../src/addon.js";
import { predictWith } from "../../src/operations/predict.js";
import { createRandom, type Random } from "../../src/random.js";
import type { ProgressState } from "../../src/run-context.js";
import { temporaryFolder } from "../helpers.js";
import { type KillPlan, runToy, runToyAndKill, toyModel, writeToyTiles } from "../predict/toy.js";

const KILLS = Number(process.env["CANOPY_KILLS"] ?? 3);
const TILES = 300 + 150 * KILLS;

describe("a run that is killed", () => {
  it(`at ${KILLS} random moments and resumed ends byte for byte as an undisturbed one`, async (t) => {
    const root = temporaryFolder(t);
    await writeToyTiles(join(root, "in"), TILES);
    for (let i = 0; i < TILES; i += 50) writeFileSync(join(root, `in/tile_${String(i).padStart(6, "0")}b.jpg`), "bad");
    const options = {
      inputs: [join(root, "in")],
      workers: 1,
      batchSize: 4,
      probabilities: true,
      commit: { tiles: 32 },
    };
    const whole = join(root, "whole.csv");
    await predictWith(toyModel(), { ...options, out: whole });
    const out = join(root, "out.csv");
    const random = createRandom(Number(process.env["CANOPY_SEED"] ?? 1));
    let killed = 0;
    for (let i = 0; i < KILLS; i++) {
      const run = await runToyAndKill({ ...options, out, resume: true }, killPlan(i, random));
      assert.ok(run.signal === "SIGKILL" || run.status === 0, run.stderr);
      killed += Number(run.signal === "SIGKILL");
    }
    const last = runToy({ ...options, out, resume: true });
    assert.equal(last.status, 0, last.stderr);
    const summary = JSON.parse(last.stdout);
    t.diagnostic(
      `${killed} of ${KILLS} kills hit; the last run found ${summary.resumed} of ${summary.tiles} tiles done`,
    );
    assert.ok(killed > 0);
    assert.equal(summary.predicted + summary.rejected, summary.tiles);
    assert.equal(readFileSync(out, "utf8"), readFileSync(whole, "utf8"));
    assert.equal(readFileSync(`${out}.rejects.jsonl`, "utf8"), readFileSync(`${whole}.rejects.jsonl`, "utf8"));
    assert.deepEqual(
      readdirSync(root)
        .filter((name) => name.startsWith("out"))
        .sort(),
      ["out.csv", "out.csv.manifest.json", "out.csv.rejects.jsonl"],
    );
  });

  it("by SIGINT exits with 130, what it has done committed", async (t) => {
    const root = temporaryFolder(t);
    await writeToyTiles(join(root, "in"), 3000);
    const out = join(root, "out.csv");
    const options = { inputs: [join(root, "in")], out, workers: 1, batchSize: 4 };
    let run = await runToyAndKill(options, { by: "SIGINT", tiles: 100, milliseconds: 0 });
    assert.equal(run.status, 130, run.stderr);
    assert.match(run.stderr, /INTERRUPTED/);
    run = runToy({ ...options, resume: true });
    assert.equal(run.status, 0, run.stderr);
    t.diagnostic(`${JSON.parse(run.stdout).resumed} of 3000 tiles were done when it stopped`);
    assert.equal(readFileSync(out, "utf8").trimEnd().split("\n").length, 3001);
  });
});

describe("a tile that kills the process", () => {
  it("is found on resume, and rejected, and everything else is predicted", async (t) => {
    const root = temporaryFolder(t);
    await writeToyTiles(join(root, "in"), 60);
    const poison = join(root, "in/tile_000030.jpg");
    const hook = join(root, "hook.mjs");
    writeFileSync(hook, killerHook(poison));
    const env = { NODE_OPTIONS: `--import ${hook}` };
    const options = {
      inputs: [join(root, "in")],
      out: join(root, "out.csv"),
      workers: 1,
      resume: true,
      commit: { tiles: 8 },
    };
    const first = runToy(options, env);
    assert.equal(first.signal, "SIGSEGV", first.stderr);
    const second = runToy(options, env);
    assert.equal(second.status, 0, second.stderr);
    assert.match(
      second.stderr,
      /tile_000030\.jpg stopped the last run \(decoding it or running the backbone on it ended the process with SIGSEGV\)/,
    );
    const summary = JSON.parse(second.stdout);
    assert.deepEqual([summary.predicted, summary.rejected], [59, 1]);
    const [reject] = readFileSync(`${options.out}.rejects.jsonl`, "utf8").trimEnd().split("\n");
    assert.deepEqual(JSON.parse(reject!).code, "CRASH");
    assert.equal(JSON.parse(reject!).path, poison);
  });
});

describe("a tile on which the backbone kills the process", () => {
  /** A run over 60 tiles of which number 30 is such that ONNX Runtime's call with it in the batch ends the process by `signal`. */
  async function poisoned(root: string, signal: NodeJS.Signals) {
    await writeToyTiles(join(root, "in"), 60);
    const black = await sharp({ create: { width: 24, height: 24, channels: 3, background: "#010203" } })
      .jpeg()
      .toBuffer();
    writeFileSync(join(root, "in/tile_000030.jpg"), black);
    const hook = join(root, "hook.mjs");
    writeFileSync(hook, sessionKillerHook(signal));
    const options = { inputs: [join(root, "in")], out: join(root, "out.csv"), workers: 1, resume: true, batchSize: 4 };
    return { options: { ...options, commit: { tiles: 8 } }, env: { NODE_OPTIONS: `--import ${hook}` } };
  }

  for (const signal of ["SIGSEGV", "SIGKILL"] as const) {
    it(`by ${signal} is found on resume, and rejected, and everything else is predicted`, async (t) => {
      const root = temporaryFolder(t);
      const { options, env } = await poisoned(root, signal);
      const first = runToy(options, env);
      assert.equal(first.signal, signal, first.stderr);
      const second = runToy(options, env);
      assert.equal(second.status, 0, second.stderr);
      const summary = JSON.parse(second.stdout);
      assert.deepEqual([summary.predicted, summary.rejected], [59, 1]);
      assert.ok(summary.resumed > 0);
      const reject = JSON.parse(readFileSync(`${options.out}.rejects.jsonl`, "utf8"));
      assert.equal(reject.code, "CRASH");
      assert.match(reject.path, /tile_000030\.jpg$/);
      assert.match(reject.message, new RegExp(`ended the process with ${signal}`));
    });
  }

  it("is not blamed where somebody else killed the process", async (t) => {
    const root = temporaryFolder(t);
    const { options } = await poisoned(root, "SIGKILL");
    await runToyAndKill(options, { by: "SIGKILL", tiles: 4, milliseconds: 0 });
    const last = runToy(options);
    assert.equal(last.status, 0, last.stderr);
    assert.equal(JSON.parse(last.stdout).rejected, 0);
  });

  it("with others beside it, but not alone, is taken gently after the second time", async (t) => {
    const root = temporaryFolder(t);
    const { options } = await poisoned(root, "SIGKILL");
    const whole = { ...options, out: join(root, "whole.csv") };
    assert.equal(runToy(whole).status, 0);
    const controller = new AbortController();
    const onProgress = ({ stage, done }: ProgressState) =>
      void (stage === "predict" && done >= 16 && controller.abort());
    await assert.rejects(predictWith(toyModel(), options, { signal: controller.signal, onProgress }));
    // What two processes would have left that died one after the other, not far from where this one stopped.
    writeFileSync(join(`${options.out}.parts`, "in-flight-run"), new Float64Array([24, 37, 1]));
    const gentle = runToy(options);
    assert.equal(gentle.status, 0, gentle.stderr);
    assert.match(
      gentle.stderr,
      /2 processes in a row died with .*tile_000024\.jpg and the 12 tiles after it in the works/,
    );
    assert.equal(readFileSync(options.out, "utf8"), readFileSync(whole.out, "utf8"));
  });
});

describe("a memory budget", () => {
  const memory = 500 << 20;
  const skip = process.platform === "linux" && loadAddon() !== undefined ? {} : { skip: "needs glibc and the addon" };

  it("holds with images of any size and kind; what would not fit is rejected", skip, async (t) => {
    const root = temporaryFolder(t);
    const noise = { type: "gaussian", mean: 128, sigma: 30 } as const;
    const image = sharp({ create: { width: 500, height: 500, channels: 3, background: "#000", noise } });
    const small = await image.png().toBuffer();
    const sides = [1500, 2400, 3600, 6000];
    for (const side of sides) {
      const large = sharp(await sharp(small).resize(side, side, { kernel: "nearest" }).raw().toBuffer(), {
        raw: { width: side, height: side, channels: 3 },
      });
      mkdirSync(join(root, "in"), { recursive: true });
      await large
        .clone()
        .png({ compressionLevel: 1 })
        .toFile(join(root, `in/${side}.png`));
      await large
        .clone()
        .webp({ quality: 50, effort: 0 })
        .toFile(join(root, `in/${side}.webp`));
      await large
        .clone()
        .jpeg({ progressive: true })
        .toFile(join(root, `in/${side}.jpg`));
    }
    const inputs = Array.from({ length: 6 }, () => join(root, "in"));
    const run = runToy({ inputs, out: join(root, "out.csv"), memory });
    assert.equal(run.status, 0, run.stderr);
    const { predicted, rejected, maxRssKib } = JSON.parse(run.stdout);
    t.diagnostic(`${predicted} predicted, ${rejected} rejected, ${Math.round(maxRssKib / 1024)} MiB at most`);
    assert.ok(predicted > 0 && rejected > 0);
    assert.ok(maxRssKib * 1024 <= memory, `${maxRssKib} KiB`);
  });
});

describe("a full disk", () => {
  it("gives a clear error and no half file, and the run can be resumed when there is space", async (t) => {
    const disk = mkdtempSync(join(tmpdir(), "canopy-disk-"));
    const mounted = mountDisk(disk, "160k");
    t.after(() => {
      if (mounted) execFileSync("umount", [disk]);
      rmdirSync(disk);
    });
    if (!mounted) return t.skip("a small tmpfs cannot be mounted here");
    const root = temporaryFolder(t);
    await writeToyTiles(join(root, "in"), 400);
    const out = join(disk, "out.jsonl");
    const options = { inputs: [join(root, "in")], out, workers: 1, probabilities: true, commit: { tiles: 32 } };
    await assert.rejects(predictWith(toyModel(), options), { name: "CanopyError", code: "DISK_FULL" });
    assert.ok(!existsSync(out));
    assert.deepEqual(readdirSync(disk), ["out.jsonl.parts"]);
    assert.deepEqual(
      readdirSync(join(disk, "out.jsonl.parts")).filter((name) => name.endsWith(".tmp")),
      [],
    );
    execFileSync("mount", ["-o", "remount,size=2m", disk]);
    const summary = await predictWith(toyModel(), { ...options, resume: true });
    assert.ok(summary.resumed > 0 && summary.resumed < 400, String(summary.resumed));
    const whole = join(root, "whole.jsonl");
    await predictWith(toyModel(), { ...options, out: whole });
    assert.equal(readFileSync(out, "utf8"), readFileSync(whole, "utf8"));
  });
});

function mountDisk(folder: string, size: string): boolean {
  return spawnSync("mount", ["-t", "tmpfs", "-o", `size=${size}`, "tmpfs", folder]).status === 0;
}

/** Most kills come while tiles are predicted, some during the start or the end. */
function killPlan(round: number, random: Random): KillPlan {
  const by = "SIGKILL";
  if (round % 5 === 4) return { by, tiles: 0, milliseconds: 200 + random.below(600) };
  if (round === KILLS - 1) return { by, tiles: TILES, milliseconds: random.below(10) };
  return { by, tiles: Math.ceil(((round + random.uniform()) / KILLS) * TILES), milliseconds: random.below(20) };
}

/** A module that makes ONNX Runtime's binding end the process where a batch has a tile of one dark colour. */
function sessionKillerHook(signal: NodeJS.Signals): string {
  return `
    const dlopen = process.dlopen;
    process.dlopen = (module, ...rest) => {
      const result = dlopen.call(process, module, ...rest);
      const Session = module.exports.InferenceSession;
      if (Session) module.exports.InferenceSession = class extends Session {
        run(feeds, ...others) {
          const data = Object.values(feeds)[0].data;
          for (let i = 0; i < data.length; i += 768) {
            if (data[i] < 8 && data[i + 1] < 8 && data[i + 2] < 8 && data[i] + data[i + 1] + data[i + 2] > 0) {
              process.kill(process.pid, ${JSON.stringify(signal)});
              for (;;);
            }
          }
          return super.run(feeds, ...others);
        }
      };
      return result;
    };`;
}

/** A module that makes reading `poison` through the addon, or from JavaScript, a segmentation fault. */
function killerHook(poison: string): string {
  return `
    import fs from "node:fs";
    import { syncBuiltinESMExports } from "node:module";
    const poison = ${JSON.stringify(poison)};
    const openSync = fs.openSync;
    fs.openSync = (path, ...rest) => path === poison ? process.kill(process.pid, "SIGSEGV") : openSync(path, ...rest);
    syncBuiltinESMExports();
    const dlopen = process.dlopen;
    process.dlopen = (module, ...rest) => {
      const result = dlopen.call(process, module, ...rest);
      const { decodeFiles } = module.exports;
      if (decodeFiles) {
        module.exports.decodeFiles = (tiles, ...others) => {
          if (tiles.some(({ path }) => path === poison)) process.kill(process.pid, "SIGSEGV");
          return decodeFiles(tiles, ...others);
        };
      }
      return result;
    };`;
}
