/** Runs of the queue over archives on a server, and over compressed ones. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import sharp from "sharp";
import { enqueue } from "../../src/operations/enqueue.js";
import { predict } from "../../src/operations/predict.js";
import { work } from "../../src/operations/work.js";
import { createRandom } from "../../src/random.js";
import { saveToyModel } from "../engine/toy.js";
import { temporaryFolder } from "../helpers.js";
import { noRedis, startRedis, type TestRedis } from "../queue/redis.js";
import { type Asked, serve } from "../remote/server.js";

const TILES = 48;
const PARTS = 4;
const SIDE = 320;

describe("the queue", noRedis === undefined ? {} : { skip: noRedis }, () => {
  const root = temporaryFolder({ after: (fn) => after(fn) });
  const whole = join(root, "whole.csv");
  const files: Record<string, Buffer> = {};
  let redis: TestRedis;
  let toy: { model: string; backbone: string };

  before(async () => {
    redis = await startRedis(root);
    toy = await saveToyModel(root);
    const folder = join(root, "in");
    mkdirSync(folder);
    const { uint32 } = createRandom(3);
    for (let i = 0; i < TILES; i++) {
      const noise = Buffer.from(Uint32Array.from({ length: (SIDE * SIDE * 3) / 4 }, uint32).buffer);
      const picture = sharp(noise, { raw: { width: SIDE, height: SIDE, channels: 3 } }).linear(1, (i % 8) * 12);
      writeFileSync(join(folder, `${i + 10}.png`), await picture.png({ compressionLevel: 0 }).toBuffer());
    }
    for (const [name, flag] of [
      ["in.tar", "-cf"],
      ["in.tar.gz", "-czf"],
    ]) {
      execFileSync("tar", ["--sort=name", flag, join(root, name), "-C", root, "in"]);
      files[`/${name}`] = readFileSync(join(root, name));
    }
    await predict({ inputs: folder, ...toy, device: "cpu", out: whole });
  });
  after(() => redis.stop());

  /** Does `input` as a run of the queue, and gives what the server is asked for by the parts. */
  async function runParts(input: string, name: string, asked: Asked[] = []): Promise<Asked[]> {
    const queue = { redis: redis.url, queue: name };
    const out = join(root, `${name}.csv`);
    const queued = await enqueue({ inputs: input, ...toy, device: "cpu", out, partTiles: TILES / PARTS, ...queue });
    assert.equal(queued.parts, PARTS);
    const listed = asked.length;
    // Each part by a worker of its own, which reads nothing on from the part before.
    for (let part = 0; part < PARTS; part++) {
      const stop = new AbortController();
      const done = await work({ ...queue, workers: 1 }, { signal: stop.signal, onProgress: () => stop.abort() });
      assert.deepEqual([done.parts, done.tiles, done.failed], [1, TILES / PARTS, 0]);
    }
    assert.equal(readFileSync(out, "utf8"), readFileSync(whole, "utf8"));
    return asked.slice(listed);
  }

  it("asks a server for what each part begins with, not for what other parts have read", async (t) => {
    const { url, asked } = await serve(t, files);
    const parts = await runParts(`${url}/in.tar`, "remote", asked);
    const size = files["/in.tar"].length;
    const places = parts.map(({ range }) => Number(/^bytes=(\d+)-$/.exec(range ?? "")?.[1]) / size);
    // A worker that opens the archive asks for its beginning, and goes where its part is before it takes more of it.
    const own = places.filter((place) => place > 0).sort();
    const expected = Array.from({ length: PARTS - 1 }, (_, i) => (i + 1) / PARTS);
    assert.equal(own.length, expected.length, places.join());
    assert.ok(
      own.every((place, i) => Math.abs(place - expected[i]) < 0.02),
      places.join(),
    );
  });

  it("takes compressed tars, from the disk and from a server", async (t) => {
    const { url } = await serve(t, files);
    await runParts(join(root, "in.tar.gz"), "compressed");
    await runParts(`${url}/in.tar.gz`, "remote-compressed");
  });
});
