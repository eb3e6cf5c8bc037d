import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { describe, it } from "node:test";
import { readTileBytes } from "../../src/decode/bytes.js";
import { isFailure, placeOf } from "../../src/decode/decoder.js";
import { CanopyError } from "../../src/errors.js";
import { CompressedTiles } from "../../src/tiles/compressed-tiles.js";
import { collectTiles } from "../../src/tiles/sources.js";
import { suiteFolder } from "../helpers.js";
import { INPUTS, type SourceInput } from "./inputs.js";

describe("an input", () => {
  const root = suiteFolder();
  INPUTS.forEach((input, i) => {
    it(`${i + 1}: ${input.what}`, async () => {
      const folder = join(root, String(i));
      mkdirSync(folder);
      await check(input, folder);
    });
  });
});

async function check({ make, stdin, gives }: SourceInput, folder: string): Promise<void> {
  const inputs = make(folder);
  const options = stdin === undefined ? {} : { stdin: Readable.from([stdin(folder)]) };
  if (gives instanceof RegExp) {
    await assert.rejects(collectTiles(inputs, options), (error) => {
      assert.ok(error instanceof CanopyError, String(error));
      assert.match(error.message, gives);
      return true;
    });
    return;
  }
  const { tiles, ignored, close } = await collectTiles(inputs, options);
  const [good, codes]: [string[], string[]] = [[], []];
  const compressed = new CompressedTiles();
  for (const tile of await compressed.load(tiles)) {
    const bytes = tile.failure ?? readTileBytes(placeOf(tile));
    if (isFailure(bytes)) codes.push(bytes.code);
    else {
      const holds = Buffer.from(bytes).toString("utf8").replace(/^of /, "");
      good.push(holds === tile.name ? tile.name : `${tile.name}=${holds}`);
    }
  }
  await compressed.close();
  await close();
  const { tiles: names, ignored: others = 0, rejected = [] } = gives;
  assert.deepEqual(good.sort(), [...names].sort());
  assert.deepEqual([codes, ignored], [rejected, others]);
}
