/** Runs that are killed at random moments. CANOPY_KILLS=20 kills more often than the few times that fit into every test run. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { predictWith } from "../../src/operations/predict.js";
import { createRandom, type Random } from "../../src/random.js";
import { type KillPlan, runToy, runToyAndInterrupt, runToyAndKill, toyModel, writeToyTiles } from "../engine/toy.js";
import { temporaryFolder } from "../helpers.js";

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

  it("by SIGINT while the output is put together exits with 130, and goes on to the same bytes", async (t) => {
    const root = temporaryFolder(t);
    await writeToyTiles(join(root, "in"), 1);
    const tile = join(root, "in/tile_000000.jpg");
    writeFileSync(join(root, "bad.jpg"), "bad");
    const paths = Array.from({ length: 12_000 }, (_, i) => (i % 1000 === 7 ? join(root, "bad.jpg") : tile));
    writeFileSync(join(root, "list.txt"), paths.join("\n"));
    const options = { inputs: [`@${join(root, "list.txt")}`], workers: 1, probabilities: true, commit: { tiles: 100 } };
    for (const format of ["csv", "jsonl", "parquet"]) {
      const [out, whole] = [join(root, `out.${format}`), join(root, `whole.${format}`)];
      const run = runToyAndInterrupt({ ...options, out, resume: true }, "write", 100);
      assert.equal(run.status, 130, run.stderr);
      assert.deepEqual(
        readdirSync(root).filter((name) => name.startsWith("out")),
        [`out.${format}.parts`],
      );
      const last = runToy({ ...options, out, resume: true });
      assert.equal(last.status, 0, last.stderr);
      assert.equal(JSON.parse(last.stdout).resumed, 12_000);
      await predictWith(toyModel(), { ...options, out: whole });
      for (const file of ["", ".rejects.jsonl"]) {
        assert.deepEqual(readFileSync(`${out}${file}`), readFileSync(`${whole}${file}`));
      }
      for (const file of readdirSync(root).filter((name) => name.startsWith("out"))) rmSync(join(root, file));
    }
  });

  it("by SIGINT exits with 130, what it has done committed", async (t) => {
    const root = temporaryFolder(t);
    await writeToyTiles(join(root, "in"), 3000);
    const out = join(root, "out.csv");
    const options = { inputs: [join(root, "in")], out, workers: 1, batchSize: 4 };
    let run = runToyAndInterrupt(options, "predict", 100);
    assert.equal(run.status, 130, run.stderr);
    assert.match(run.stderr, /INTERRUPTED/);
    run = runToy({ ...options, resume: true });
    assert.equal(run.status, 0, run.stderr);
    t.diagnostic(`${JSON.parse(run.stdout).resumed} of 3000 tiles were done when it stopped`);
    assert.equal(readFileSync(out, "utf8").trimEnd().split("\n").length, 3001);
  });
});

/** Most kills come while tiles are predicted, some during the start or the end. */
function killPlan(round: number, random: Random): KillPlan {
  const by = "SIGKILL";
  if (round % 5 === 4) return { by, tiles: 0, milliseconds: 200 + random.below(600) };
  if (round === KILLS - 1) return { by, tiles: TILES, milliseconds: random.below(10) };
  return { by, tiles: Math.ceil(((round + random.uniform()) / KILLS) * TILES), milliseconds: random.below(20) };
}
