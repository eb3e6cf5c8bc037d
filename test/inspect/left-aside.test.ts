import assert from "node:assert/strict";
import { test } from "node:test";
import { crc32 } from "node:zlib";
import sharp from "sharp";
import { findLeftAside } from "../../src/inspect/left-aside.js";
import { gradient } from "../images.js";
import { writeTiff } from "../raster/write-tiff.js";

const picture = () => sharp(gradient(20, 3), { raw: { width: 20, height: 20, channels: 3 } });

/** A PNG with chunks between its header and its pixels. */
async function pngWith(...chunks: [type: string, data: Buffer][]): Promise<Buffer> {
  const png = await picture().png().toBuffer();
  const made = chunks.map(([type, data]) => {
    const body = Buffer.concat([Buffer.from(type, "latin1"), data]);
    const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
    length.writeUInt32BE(data.length);
    sum.writeUInt32BE(crc32(body));
    return Buffer.concat([length, body, sum]);
  });
  return Buffer.concat([png.subarray(0, 33), ...made, png.subarray(33)]);
}

const word = (value: number) => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
};

test("profiles are named, but for those that are sRGB", async () => {
  for (const format of ["jpeg", "png", "webp", "tiff"] as const) {
    const p3 = await picture().withIccProfile("p3").toFormat(format).toBuffer();
    assert.match((await findLeftAside(p3)).join(), /^ICC profile "[^"]*P3[^"]*"$/, format);
    assert.deepEqual(await findLeftAside(await picture().withIccProfile("srgb").toFormat(format).toBuffer()), []);
    assert.deepEqual(await findLeftAside(await picture().toFormat(format).toBuffer()), [], format);
  }
});

test("a profile that claims more entries than it holds costs no time", { timeout: 20_000 }, async () => {
  const profile = Buffer.alloc(160);
  profile.writeUInt32BE(160);
  profile.fill(0xff, 128, 132);
  const segment = Buffer.concat([Buffer.from("ICC_PROFILE\0\x01\x01", "latin1"), profile]);
  const head = Buffer.from([0xff, 0xe2, 0, segment.length + 2]);
  const jpeg = await picture().jpeg().toBuffer();
  const file = Buffer.concat([jpeg.subarray(0, 2), head, segment, jpeg.subarray(2)]);
  assert.deepEqual(await findLeftAside(file), ['ICC profile "without a name"']);
});

test("an orientation that is not upright is told, of every format and of bands", async () => {
  for (const format of ["jpeg", "webp", "tiff"] as const) {
    const turned = await picture().withMetadata({ orientation: 6 }).toFormat(format).toBuffer();
    assert.ok((await findLeftAside(turned)).includes("orientation 6"), format);
    const upright = await picture().withMetadata({ orientation: 1 }).toFormat(format).toBuffer();
    assert.ok(!(await findLeftAside(upright)).join().includes("orientation"), format);
  }
  const at = () => 0;
  for (const compression of ["deflate", "zstd"] as const) {
    const tiff = writeTiff({ width: 4, height: 4, bands: 7, type: "uint16", at, compression, tags: [[274, [3]]] });
    assert.deepEqual(await findLeftAside(tiff), ["orientation 3"], compression);
  }
});

test("gamma and cICP of a PNG are told where they are not sRGB's, and where nothing overrules them", async () => {
  const [linear, usual] = [word(100_000), word(45_455)];
  assert.deepEqual(await findLeftAside(await pngWith(["gAMA", linear])), ["gamma 1"]);
  assert.deepEqual(await findLeftAside(await pngWith(["gAMA", usual])), []);
  assert.deepEqual(await findLeftAside(await pngWith(["sRGB", Buffer.of(0)], ["gAMA", linear])), []);
  const pq = Buffer.of(9, 16, 0, 1);
  assert.deepEqual(await findLeftAside(await pngWith(["cICP", pq], ["gAMA", linear])), [
    "cICP (primaries 9, transfer 16)",
  ]);
  assert.deepEqual(await findLeftAside(await pngWith(["cICP", Buffer.of(1, 13, 0, 1)])), []);
});

test("what is no picture, or cut off, says nothing", async () => {
  const jpeg = await picture().withMetadata({ orientation: 6 }).jpeg().toBuffer();
  for (const bytes of [Buffer.from("no"), jpeg.subarray(0, 40), Buffer.from("\x89PNG\r\n\x1a\n", "latin1")]) {
    assert.deepEqual(await findLeftAside(bytes), []);
  }
});
