import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { engineOptions } from "../../src/engine/settings.js";
import type { Checkpoint } from "../../src/head/checkpoint-json.js";
import { RUN_VERSION } from "../../src/run/formats.js";
import { differences, hashModel, type RunKind, readIdentity, readManifest } from "../../src/run/identity.js";
import { identityOf, type PredictRunOptions } from "../../src/run/options.js";
import { runFiles, runPaths } from "../../src/run/paths.js";
import { readQueueFacts } from "../../src/run/run-request.js";
import { assertRefused } from "../damaged-json.js";
import { toyModel } from "../engine/toy.js";
import { temporaryFolder } from "../helpers.js";

const SHA256 = "0".repeat(64);
const INPUT = { tiles: 8, sha256: SHA256, whole: { tiles: 8, namesSha256: SHA256 }, stdin: null };

function kindOf(options: Partial<PredictRunOptions> = {}, model: Partial<Checkpoint> = {}): RunKind {
  const all = { inputs: [], out: "out.csv", workers: 1, ...options };
  const loaded = toyModel(model);
  return identityOf(loaded, engineOptions(loaded, all), all);
}

describe("the identity of a run", () => {
  const base = toyModel().checkpoint;
  const preprocessing = (change: Partial<Checkpoint["preprocessing"]>) => ({
    preprocessing: { ...base.preprocessing, ...change },
  });

  it("tells models apart by all that decides their predictions", () => {
    const { weight, bias } = base.head;
    const models: Partial<Checkpoint>[] = [
      {},
      { tags: ["red", "green", "grey"] },
      { exclusive: [["red", "green"]] },
      { exclusive: [["red", "blue"]] },
      { thresholds: Float32Array.of(0.5, 0.5, 0.25) },
      { head: { ...base.head, weight: weight.map((value, i) => (i === 8 ? value * 2 : value)) } },
      { head: { ...base.head, bias: bias.map((value, i) => (i === 2 ? value * 2 : value)) } },
      { backboneSha256: "another" },
      preprocessing({ size: 32 }),
      preprocessing({ colorspace: "rgb" }),
      preprocessing({ antialias: false }),
      preprocessing({ tta: "d4" }),
    ];
    assert.equal(new Set(models.map((model) => hashModel({ ...base, ...model }))).size, models.length);
    assert.equal(hashModel({ ...base, createdBy: "another", history: [] }), hashModel(base));
  });

  it("tells runs apart by every option that the rows depend on, and names it", () => {
    const changes: [options: Partial<PredictRunOptions>, expected: RegExp][] = [
      [{ colorspace: "rgb" }, /^`colorspace` was auto and is rgb now$/],
      [{ onTruncated: "accept" }, /^`onTruncated` was reject and is accept now$/],
      [{ maxPixels: 1000 }, /^`maxPixels` was 178956970 and is 1000 now$/],
      [{ threshold: 0.25 }, /^`threshold` was not given and is 0\.25 now$/],
      [{ probabilities: true }, /^`probabilities` was false and is true now$/],
      [{ batchSize: 3 }, /^`batchSize` was \d+ and is 3 now$/],
      [{ out: "out.jsonl" }, /^format was csv and is jsonl now$/],
      [{ shard: { index: 2, count: 3 } }, /^`shard` was not given and is 2\/3 now$/],
    ];
    for (const [options, expected] of changes) {
      const [difference, ...others] = differences(kindOf(), kindOf(options));
      assert.match(difference, expected);
      assert.deepEqual(others, []);
    }
    assert.match(differences(kindOf(), kindOf({ memory: 1 << 30 }))[0], /^the memory for one tile, which `memory` and/);
    assert.deepEqual(differences(kindOf(), kindOf({ workers: 3, maxUnreadable: 5, commit: { tiles: 1 } })), []);
  });

  it("of models with another colour reading or other preprocessing differs, also where options hide it", () => {
    for (const model of [preprocessing({ colorspace: "rgb" }), preprocessing({ antialias: false })]) {
      const found = differences(kindOf({ colorspace: "auto" }), kindOf({ colorspace: "auto" }, model));
      assert.match(found[0], /^model \(SHA-256\) was/);
    }
  });
});

describe("what is read back of a run", () => {
  /** A run folder with `run.json`, and a manifest beside it, both as they should be. */
  function written(root: string) {
    const paths = runPaths(join(root, "out.csv"));
    mkdirSync(paths.folder);
    const shard = { index: 1, count: 3 };
    const identity = { ...kindOf({ threshold: 0.5, shard }), input: INPUT };
    const files = { bytes: 1, sha256: SHA256 };
    const manifest = {
      ...identity,
      tiles: 8,
      predicted: 8,
      rejected: 0,
      output: files,
      rejects: null,
      contents: SHA256,
    };
    const place = runFiles(paths.folder).identity;
    writeFileSync(place, JSON.stringify(identity));
    writeFileSync(paths.manifest, JSON.stringify(manifest));
    return { paths, place, identity, manifest };
  }

  it("is what was written", async (t) => {
    const { paths, identity, manifest } = written(temporaryFolder(t));
    assert.deepEqual(await readIdentity(paths.folder), identity);
    assert.deepEqual(await readManifest(paths), manifest);
    assert.equal(await readIdentity("nowhere"), undefined);
    assert.equal(await readManifest(runPaths("nowhere.csv")), undefined);
  });

  it("names file, key and what was expected, whichever key is missing or of another kind", async (t) => {
    const { paths, place, identity, manifest } = written(temporaryFolder(t));
    await assertRefused(
      identity,
      place,
      (json) => {
        writeFileSync(place, JSON.stringify(json));
        return readIdentity(paths.folder);
      },
      /^settings.escapeFormulas missing$/,
    );
    const read = (json: unknown) => {
      writeFileSync(paths.manifest, JSON.stringify(json));
      return readManifest(paths);
    };
    await assertRefused(manifest, paths.manifest, read, /^(contents|settings.escapeFormulas) missing$/);
    const { queue } = runFiles(paths.folder);
    const facts = { queue: "q", partTiles: 8, offsets: [0], model: "m", backbone: null, maxUnreadable: null };
    await assertRefused(facts, queue, (json) => {
      writeFileSync(queue, JSON.stringify(json));
      return readQueueFacts(paths.folder);
    });
  });

  it("of another version is refused as such, whatever else it has", async (t) => {
    const { paths, place } = written(temporaryFolder(t));
    for (const file of [place, paths.manifest]) writeFileSync(file, '{"version": 3, "old": true}');
    const expected = { name: "InputError", message: new RegExp(`its format is 3, this one's ${RUN_VERSION}\\)`) };
    await assert.rejects(readIdentity(paths.folder), expected);
    await assert.rejects(readManifest(paths), expected);
  });
});
