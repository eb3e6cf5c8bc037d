import assert from "node:assert/strict";
import { it } from "node:test";
import { type ExtractorOptions, openExtractor } from "../../src/features/extractor.js";
import { NORMALISATIONS } from "../../src/models/file-model.js";
import { resolveBackbone } from "../../src/models/registry.js";
import { temporaryFolder } from "../helpers.js";
import { writeTiles } from "../images.js";

it("does not take features from the cache that the backbone gave to pixels normalised otherwise", async (t) => {
  process.env["CANOPY_CACHE"] = temporaryFolder(t);
  const tiles = await writeTiles(temporaryFolder(t), 2);
  const backbone = await resolveBackbone("untrained");
  const extract = async (normalisation: "imagenet" | "unit") => {
    const { scale, mean, std } = structuredClone(NORMALISATIONS[normalisation]);
    const input = { ...backbone.card.input, scale, mean: [...mean], std: [...std] } as typeof backbone.card.input;
    const extractor = await openExtractor(
      { backbone: { ...backbone, card: { ...backbone.card, input } }, size: 32 },
      {},
    );
    const { features, cached } = await extractor.extract(tiles, {});
    await extractor.close();
    return { features, cached };
  };
  const first = await extract("imagenet");
  const other = await extract("unit");
  const again = await extract("imagenet");
  assert.deepEqual([first.cached, other.cached, again.cached], [0, 0, 2]);
  assert.notDeepEqual(other.features, first.features);
  assert.deepEqual(again.features, first.features);
});

const OTHER_SETTINGS: Partial<ExtractorOptions>[] = [
  { decode: { antialias: false } },
  { decode: { colorspace: "gray" } },
  { decode: { maxPixels: 1e6 } },
  { decode: { maxBytes: 1e8 } },
  { decode: { onTruncated: "accept" } },
  { size: 33 },
];

for (const settings of OTHER_SETTINGS) {
  it(`does not take features from the cache that were made without ${JSON.stringify(settings)}`, async (t) => {
    process.env["CANOPY_CACHE"] = temporaryFolder(t);
    const tiles = await writeTiles(temporaryFolder(t), 2, 90);
    const backbone = await resolveBackbone("untrained");
    const extract = async (changes: Partial<ExtractorOptions>) => {
      const extractor = await openExtractor({ backbone, size: 32, ...changes }, {});
      const { features, cached } = await extractor.extract(tiles, {});
      await extractor.close();
      return { features, cached };
    };
    const first = await extract({});
    assert.deepEqual([first.cached, (await extract(settings)).cached], [0, 0]);
    const again = await extract({});
    assert.equal(again.cached, 2);
    assert.deepEqual(again.features, first.features);
  });
}
