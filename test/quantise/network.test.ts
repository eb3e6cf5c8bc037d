import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { resolveBackbone } from "../../src/models/registry.js";
import { preparedNetwork } from "../../src/quantise/network.js";
import { prepareWith } from "../../src/quantise/prepare.js";
import { temporaryFolder } from "../helpers.js";

async function setUp(t: TestContext) {
  process.env["CANOPY_CACHE"] = temporaryFolder(t);
  const folder = join(process.env["CANOPY_CACHE"], "networks");
  return { ...(await resolveBackbone("canopy")), folder };
}

test("a prepared network is kept, and read again instead of being prepared", async (t) => {
  const { bytes, card, folder } = await setUp(t);
  const first = await preparedNetwork("int8", bytes, card, 64, "pairs");
  assert.deepEqual(first, prepareWith("int8", bytes, card, 64));
  assert.equal(readdirSync(folder).length, 1);
  // With these bytes it could not be prepared.
  assert.deepEqual(
    Buffer.from(await preparedNetwork("int8", new Uint8Array(8), card, 64, "pairs")),
    Buffer.from(first),
  );
});

test("a kept network that is damaged is prepared again", async (t) => {
  const { bytes, card, folder } = await setUp(t);
  const first = await preparedNetwork("fp32", bytes, card, 64, "pairs");
  const path = join(folder, readdirSync(folder)[0] as string);
  const damaged = readFileSync(path);
  damaged[1000] ^= 1;
  writeFileSync(path, damaged);
  assert.deepEqual(await preparedNetwork("fp32", bytes, card, 64, "pairs"), first);
  assert.notDeepEqual(readFileSync(path), damaged);
});

test("size, precision, ranges and how pixels are given are part of what is kept", async (t) => {
  const { bytes, card, folder } = await setUp(t);
  const wider = { ...card, ranges: { ...card.ranges, Conv_10: [-20, 20] as [number, number] } };
  const darker = { ...card, input: { ...card.input, scale: 255 } };
  await preparedNetwork("fp32", bytes, card, 64, "pairs");
  await preparedNetwork("fp32", bytes, card, 32, "pairs");
  await preparedNetwork("fp32", bytes, darker, 64, "pairs");
  await preparedNetwork("int8", bytes, card, 64, "pairs");
  await preparedNetwork("int8", bytes, wider, 64, "pairs");
  await preparedNetwork("int8", bytes, wider, 64, "whole");
  assert.equal(readdirSync(folder).length, 6);
  // Ranges that are not used make no difference.
  await preparedNetwork("fp32", bytes, wider, 64, "pairs");
  assert.equal(readdirSync(folder).length, 6);
});
