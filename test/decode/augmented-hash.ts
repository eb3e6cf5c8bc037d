/** Prints hashes of augmented tiles of a folder; augmentation.test.ts runs it under each CANOPY_SIMD. */
import { createHash } from "node:crypto";
import { drawAugmentation } from "../../src/decode/augmentation.js";
import { DECODE_DEFAULTS } from "../../src/decode/decoder.js";
import { DecodePool } from "../../src/decode/pool.js";
import { createRandom } from "../../src/random.js";
import { openTiles } from "../../src/tiles/sources.js";

const opened = await openTiles(process.argv[2]);
const tiles = [];
for await (const tile of opened.list()) tiles.push(tile);
tiles.sort((a, b) => (a.path < b.path ? -1 : 1));
const pool = new DecodePool({ workers: 1 });
const hashes: string[] = [];
for (const size of [128, 33]) {
  const ranges = { leastArea: 0.3, aspect: 1.3, light: 0.2 };
  const augmentations = tiles.map((_, row) => drawAugmentation(createRandom(1, size, row), ranges));
  const buffer = new SharedArrayBuffer(tiles.length * size * size * 3);
  await pool.decode(tiles, { buffer, byteOffset: 0 }, { ...DECODE_DEFAULTS, size }, augmentations);
  for (const i of tiles.keys()) {
    const pixels = new Uint8Array(buffer, i * size * size * 3, size * size * 3);
    hashes.push(createHash("sha256").update(pixels).digest("hex"));
  }
}
await Promise.all([pool.close(), opened.close()]);
console.log(JSON.stringify(hashes));
