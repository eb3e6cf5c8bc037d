import assert from "node:assert/strict";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { isFailure } from "../../src/decode/decoder.js";
import { readBytesWithSharp } from "../../src/decode/sharp.js";
import { encode, gradient } from "../images.js";

const LIMITS = { colorspace: "auto", maxPixels: 1e6, onTruncated: "reject" } as const;

async function failureOf(bytes: Uint8Array) {
  const failure = await readBytesWithSharp(bytes, LIMITS);
  assert.ok(isFailure(failure), "it was read");
  return failure;
}

const tar = Buffer.alloc(1024);
tar.write("ustar", 257);

for (const [what, bytes, words] of [
  ["a Git LFS pointer", "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n", /git lfs pull/],
  ["an HTML page", "\n<!DOCTYPE html><html><body>Sign in</body></html>", /HTML page.*download it again/],
  ["XML of a server's refusal", '<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>', /XML.*download/],
  ["an SVG", "<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/>", /an SVG/],
  ["JSON", '{"error": "not found"}', /JSON/],
  ["text", "hello, I am text", /it is text/],
  ["a gzip", gzipSync("anything"), /gzip; uncompress/],
  ["a zip", "PK\x03\x04\x14\0\0\0", /zip archive; unpack/],
  ["a 7z", "7z\xbc\xaf\x27\x1c\0\x04", /7z archive/],
  ["a tar", tar, /tar archive/],
  ["a PDF", "%PDF-1.7\n", /a PDF/],
  ["a BMP", "BM\x36\x10\0\0", /a BMP/],
  ["zeros", new Uint8Array(600), /zeros.*copy it again/],
  ["noise", Uint8Array.from({ length: 64 }, (_, i) => (i * 151 + 7) & 255), /no image format that is read/],
] as const) {
  test(`${what} with a picture's name is named as what it is`, async () => {
    const { code, message } = await failureOf(typeof bytes === "string" ? Buffer.from(bytes, "latin1") : bytes);
    assert.equal(code, "FORMAT");
    assert.match(message, words);
  });
}

for (const format of ["png", "webp", "gif", "avif"] as const) {
  test(`a ${format} that is cut off is TRUNCATED, one that is damaged inside is CORRUPT`, async () => {
    const whole = await encode(gradient(64, 3), 64, 3, format);
    const damaged = Buffer.from(whole);
    damaged.fill(0xa5, damaged.length >> 1, (damaged.length >> 1) + 40);
    assert.equal((await failureOf(whole.subarray(0, Math.floor(whole.length * 0.7)))).code, "TRUNCATED");
    const failure = await readBytesWithSharp(damaged, LIMITS);
    if (format === "png" || isFailure(failure)) assert.equal((failure as { code: string }).code, "CORRUPT");
  });
}

test("HEIC, which is sound and not read, is no broken picture", async () => {
  const heic = await encode(gradient(64, 3), 64, 3, "avif");
  // The codec's name in the item's info entry: nobody here decodes HEVC.
  heic.write("hvc1", heic.indexOf("av01"), "latin1");
  heic.write("heic", 8, "latin1");
  const { code, message } = await failureOf(heic);
  assert.deepEqual([code, /convert it/.test(message)], ["FORMAT", true], message);
});
