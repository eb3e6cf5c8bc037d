/** Each case of ../shared/cases is right, or refused, as its README says. Label files are in labels/inputs.test.ts. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import sharp from "sharp";
import { isFailure, type PictureOptions } from "../src/decode/decoder.js";
import { readFull } from "../src/decode/full.js";
import { probeBackbone } from "../src/models/probe.js";
import { describeWithAdvice } from "../src/models/tried-advice.js";
import { fix } from "../src/operations/fix.js";
import { inspect } from "../src/operations/inspect.js";
import { collectTiles } from "../src/tiles/sources.js";
import { needsShared, SHARED, suiteFolder } from "./helpers.js";

const CASES = join(SHARED, "cases");
const OPTIONS = { colorspace: "auto", maxPixels: 1e6, onTruncated: "reject" } as const;

function read(path: string, options: Partial<PictureOptions> = {}) {
  return readFull(readFileSync(join(CASES, path)), { ...OPTIONS, ...options });
}

async function assertShown(path: string, options: Partial<PictureOptions> = {}, tolerance = 1): Promise<void> {
  const image = await read(path, options);
  assert.ok(!isFailure(image), `${path}: ${JSON.stringify(image)}`);
  const expected = await sharp(join(CASES, "expected-64x64.png")).removeAlpha().raw().toBuffer();
  assert.equal(image.pixels.length, expected.length, path);
  const wrong = image.pixels.findIndex((level, i) => Math.abs(level - expected[i]) > tolerance);
  assert.equal(wrong, -1, `${path}: ${image.pixels[wrong]}, not ${expected[wrong]}, at ${wrong}`);
}

describe("the cases of the shared folder", needsShared("cases"), () => {
  const folder = suiteFolder();
  process.env["CANOPY_CACHE"] = join(folder, "cache");

  it("01: bands that are MinIsBlack are the picture", async () => {
    const names = readdirSync(join(CASES, "01-tiff-minisblack")).filter((name) => name.endsWith(".tif"));
    assert.equal(names.length, 6);
    for (const name of names) await assertShown(`01-tiff-minisblack/${name}`);
  });

  it("04: a TIFF of 13 bands takes no neighbour with it, and is read itself", async () => {
    const report = await inspect({ inputs: [join(CASES, "04-one-tiff-takes-its-neighbours")], workers: 1 });
    assert.deepEqual([report.tiles, report.readable, report.rejects], [13, 13, []]);
    const inputs = [join(CASES, "04-one-tiff-takes-its-neighbours")];
    const { written, rejected } = await fix({ inputs, out: join(folder, "neighbours"), workers: 1 });
    assert.deepEqual([written, rejected], [13, 0]);
  });

  it("05: samples without a known range are refused with what to give, and then right; 16 bits that are dark are told", async () => {
    const at = (name: string) => `05-tiff-float-int-16bit/${name}.tif`;
    for (const [name, top] of [
      ["a_float32_0to1", 1],
      ["b_float32_0to1_photometric_rgb", 1],
      ["c_float32_0to10000", 10000],
      ["d_int16_0to10000", 10000],
      ["e_uint32_full", 2 ** 32 - 1],
    ] as const) {
      const refusal = await read(at(name));
      assert.ok(isFailure(refusal), name);
      assert.equal(refusal.code, "FORMAT");
      assert.match(refusal.message, /train with `stretch`/);
      await assertShown(at(name), { stretch: [[0, top]] });
    }
    const report = await inspect({ inputs: [join(CASES, at("f_uint16_0to4000_as_sentinel2"))], workers: 1 });
    assert.match(report.problems.find(({ code }) => code === "LITTLE_OF_RANGE")?.message ?? "", /stretch/);
    await assertShown(at("f_uint16_0to4000_as_sentinel2"), { stretch: [[0, 4000]] });
    await assertShown(at("g_bgrn_colorinterp"), { bands: [3, 2, 1] });
  });

  it("06: links in a tar are followed, and sparse members are told", async () => {
    const counts = await Promise.all(
      ["x", "s"].map(async (name) => {
        const { tiles, ignored } = await collectTiles([join(CASES, `06-tar-links-vanish/${name}.tar`)]);
        return [tiles.length, tiles.filter(({ failure }) => failure !== undefined).length, ignored];
      }),
    );
    assert.deepEqual(counts, [
      [8, 0, 0],
      [2, 1, 0],
    ]);
  });

  it("07 to 14: networks give the features that they should, or are refused", async () => {
    for (const [path, gives] of [
      ["07-backbone-not-probed/quantised_dynamic", /depend on its neighbours/],
      ["07-backbone-not-probed/trainmode", /training mode/],
      ["08-class-scores-as-features/two_heads", 32],
      ["08-class-scores-as-features/one_head_control", 32],
      ["08-class-scores-as-features/quantised_qdq", 32],
      ["08-class-scores-as-features/quantised_dynamic", /depend on its neighbours/],
      ["08-class-scores-as-features/features_only", 64],
      ["09-uint8-input-network/ref", 32],
      ["09-uint8-input-network/uint8", 32],
      ["10-reshape-allowzero/allowzero0_control", 16],
      ["10-reshape-allowzero/allowzero1", 16],
      ["14-token-advice/tokens", 32],
    ] as const) {
      const card = bring(`${path}.onnx`);
      if (gives instanceof RegExp) await assert.rejects(card, gives, path);
      else assert.equal((await card).features.count, gives, path);
    }
    assert.deepEqual((await bring("09-uint8-input-network/uint8.onnx")).input.mean, [0, 0, 0]);
    assert.equal((await bring("14-token-advice/tokens.onnx")).features.tokens, "mean");
  });

  it("11: a name that no file can have is one reject of fix", async () => {
    for (const [name, written] of [
      ["clash", 2],
      ["long", 2],
    ] as const) {
      const out = join(folder, name);
      const summary = await fix({ inputs: [join(CASES, `11-fix-one-name-ends-the-run/${name}.tar`)], out, workers: 1 });
      assert.deepEqual([summary.written, summary.rejected], [written, 1], name);
    }
  });

  it("16: codes tell the truth", async () => {
    const at = (name: string) => `16-wrong-reject-codes/${name}`;
    for (const name of ["lerc.tif", "zstd.tif", "tiled_band.tif", "nbits12.tif"]) {
      assert.ok(!isFailure(await read(at(name))), name);
    }
    for (const [name, code] of [
      ["heic_as.jpg", "FORMAT"],
      ["damaged_in_the_middle.png", "CORRUPT"],
    ]) {
      const failure = await read(at(name));
      assert.ok(isFailure(failure));
      assert.equal(failure.code, code);
    }
  });
});

async function bring(path: string) {
  const model = readFileSync(join(CASES, path));
  const card = await describeWithAdvice(model, "net.onnx", { onWarning: () => {} });
  return probeBackbone(model, card, card.input.fixedSize ?? 64);
}
