/** Tiles that take their process down, while they are decoded or in the backbone. */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import sharp from "sharp";
import { predictWith } from "../../src/operations/predict.js";
import type { ProgressState } from "../../src/run-context.js";
import { runToy, runToyAndKill, toyModel, writeToyTiles } from "../engine/toy.js";
import { temporaryFolder } from "../helpers.js";

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
    assert.deepEqual(JSON.parse(reject).code, "CRASH");
    assert.equal(JSON.parse(reject).path, poison);
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

  it("with others beside it, but not alone, is taken a batch at a time", async (t) => {
    const root = temporaryFolder(t);
    const { options } = await poisoned(root, "SIGKILL");
    const whole = { ...options, out: join(root, "whole.csv") };
    assert.equal(runToy(whole).status, 0);
    const controller = new AbortController();
    const onProgress = ({ stage, done }: ProgressState) =>
      void (stage === "predict" && done >= 16 && controller.abort());
    await assert.rejects(predictWith(toyModel(), options, { signal: controller.signal, onProgress }));
    // What a process would have left that died not far from where this one stopped.
    writeFileSync(join(`${options.out}.parts`, "in-flight-run"), new Float64Array([24, 37]));
    const gentle = runToy(options);
    assert.equal(gentle.status, 0, gentle.stderr);
    assert.match(
      gentle.stderr,
      /The last run's process died with .*tile_000024\.jpg and the 12 tiles after it in the works/,
    );
    assert.equal(readFileSync(options.out, "utf8"), readFileSync(whole.out, "utf8"));
  });
});

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
