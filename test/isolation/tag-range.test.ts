import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Engine } from "../../src/engine/engine.js";
import { engineOptions } from "../../src/engine/settings.js";
import { tagRange } from "../../src/isolation/tag-range.js";
import { openTiles } from "../../src/tiles/sources.js";
import type { TileFeed } from "../../src/tiles/tile.js";
import { writeTileList } from "../../src/tiles/write-list.js";
import { toyModel, writeToyTiles } from "../engine/toy.js";
import { temporaryFolder } from "../helpers.js";

test("tiles that a process died over, and that are fine alone, go through a batch at a time, the others together", async (t) => {
  const root = temporaryFolder(t);
  const names = [...(await writeToyTiles(join(root, "in"), 22)).keys()];
  const list = join(root, "tiles.jsonl");
  await writeTileList(list, (await openTiles([join(root, "in")])).list(), {});
  const stretch = { list, inFlight: join(root, "in-flight"), crashers: join(root, "crashers.json") };
  writeFileSync(stretch.inFlight, new Float64Array([6, 11]));
  const model = toyModel();
  const engine = await Engine.open(model, engineOptions(model, { workers: 1, batchSize: 4 }));
  t.after(() => engine.close());
  const goes: number[] = [];
  const watched = {
    batchSize: engine.batchSize,
    model: engine.model,
    probeSetup: engine.probeSetup,
    async *tag(source: TileFeed) {
      const go = goes.push(0) - 1;
      for await (const batch of engine.tag(source)) {
        goes[go] += batch.tiles.length;
        yield batch;
      }
    },
  };
  const warnings: string[] = [];
  const seen: string[] = [];
  const onWarning = (text: string) => warnings.push(text);
  for await (const { tiles } of tagRange({ ...stretch, range: { from: 2, to: 22 } }, watched, { onWarning })) {
    seen.push(...tiles.map(({ name }) => name));
  }
  assert.deepEqual(goes, [4, 4, 4, 8]);
  assert.deepEqual(seen, names.slice(2));
  assert.match(warnings.join(), /died with \S+tile_000006\.jpg and the 4 tiles after it in the works/);
});
