import assert from "node:assert/strict";
import { test } from "node:test";
import type { ByteSource } from "../../src/tiles/byte-source.js";
import { unpackedBlocks } from "../../src/tiles/unpack.js";
import { Xxh64 } from "../../src/tiles/xxh64.js";
import { SKIPPED, zstd } from "../zstd.js";

const SPAM = "Nobody inspects the spammish repetition";

function hash(pieces: readonly Buffer[]): string {
  const sum = new Xxh64();
  for (const piece of pieces) sum.update(piece);
  return sum.digest().toString(16);
}

test("known sums of known texts", () => {
  assert.equal(hash([]), "ef46db3751d8e999");
  assert.equal(hash([Buffer.from("abc")]), "44bc2cf5ad770999");
  assert.equal(hash([Buffer.from(SPAM)]), "fbcea83c8a378bf1");
});

test("the sum does not depend on the pieces", () => {
  const bytes = Buffer.from(Uint8Array.from({ length: 400 }, (_, i) => (i * i * 31) >> 3));
  for (const length of [0, 1, 31, 32, 33, 100, 400]) {
    const whole = hash([bytes.subarray(0, length)]);
    for (const cut of [1, 7, 32, 45]) {
      const pieces = [];
      for (let at = 0; at < length; at += cut) pieces.push(bytes.subarray(at, Math.min(length, at + cut)));
      assert.equal(hash(pieces), whole, `${length} bytes, ${cut} at a time`);
    }
  }
});

async function unpacked(bytes: Buffer): Promise<{ text: string; error?: string }> {
  const source: ByteSource = {
    read: async (target, position) => bytes.copy(target, 0, position, position + target.length),
    extent: async (end) => Math.min(end, bytes.length),
    close: async () => {},
  };
  let text = "";
  try {
    for await (const block of unpackedBlocks(source)) text += block.toString();
    return { text };
  } catch (error) {
    return { text, error: (error as Error).message };
  }
}

test("a frame of zstd whose checksum is not that of its data is damaged, however short it is", async () => {
  const good = zstd(Buffer.from(SPAM), { blockBytes: 10, checksum: "f18b378a" });
  const short = zstd(Buffer.from("abc"), { checksum: "990977ad" });
  const bare = zstd(Buffer.from("xyz"));
  assert.deepEqual(await unpacked(Buffer.concat([good, bare, short, short])), { text: `${SPAM}xyzabcabc` });
  const wrong = zstd(Buffer.from("abd"), { checksum: "990977ad" });
  const { text, error } = await unpacked(Buffer.concat([good, wrong, good]));
  assert.equal(text, `${SPAM}abd`);
  assert.match(error ?? "", /zstd data are damaged .*\(their checksum is that of other data\)/);
});

test("what pzstd writes, a frame that is skipped before each that is not, is read", async () => {
  const bytes = Buffer.concat([SKIPPED, zstd(Buffer.from("abc")), SKIPPED, zstd(Buffer.from("def"))]);
  assert.deepEqual(await unpacked(bytes), { text: "abcdef" });
});
