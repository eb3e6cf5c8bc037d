import assert from "node:assert/strict";
import { hash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { FormatError, InputError } from "../../src/errors.js";
import { type Checkpoint, loadCheckpoint, saveCheckpoint } from "../../src/head/checkpoint.js";
import { resolveHeadConfig } from "../../src/head/config.js";
import { computeMetrics } from "../../src/head/metrics.js";
import { assertRefused } from "../damaged-json.js";
import { temporaryFolder } from "../helpers.js";

const HASH = "0".repeat(64);

function example(): Checkpoint {
  return {
    createdBy: "canopy 0.1.0",
    tags: ["clear", "haze"],
    thresholds: Float32Array.of(0.2, 0.13),
    head: {
      weight: Float32Array.of(1, -2, 0.1, 4, 5, 6),
      bias: Float32Array.of(0.5, -0.25),
      numFeatures: 3,
      numTags: 2,
    },
    card: {
      name: "tiny",
      file: "tiny.onnx",
      byteLength: 1,
      sha256: HASH,
      licence: "Apache-2.0",
      description: "For tests.",
      input: {
        name: "input",
        layout: "NCHW",
        channels: "RGB",
        scale: 255,
        mean: [0, 0, 0],
        std: [1, 1, 1],
        fixedSize: null,
        defaultSize: 8,
        recommendedSizes: [8],
      },
      features: { output: "features", count: 3 },
    },
    backboneSha256: HASH,
    preprocessing: { size: 8, colorspace: "auto", antialias: true, tta: "none" },
    training: { head: resolveHeadConfig({ recipe: "tutorial" }), tiles: 10, heldOut: 2, settings: { labels: "l.csv" } },
    metrics: {},
    history: [
      { epoch: 1, loss: 0.1 + 0.2, binaryAccuracy: 0.9, f2: 0.8, valLoss: null, valBinaryAccuracy: null, valF2: null },
      { epoch: 2, loss: 1e-7, binaryAccuracy: 0.9, f2: 0.8, valLoss: 0.5, valBinaryAccuracy: 0.25, valF2: 0.125 },
    ],
  };
}

async function saved(t: { after(fn: () => void): void }): Promise<string> {
  const folder = join(temporaryFolder(t), "model");
  await saveCheckpoint(folder, example());
  return folder;
}

function edit(folder: string, change: (json: Record<string, never>) => void): void {
  const path = join(folder, "model.json");
  const json = JSON.parse(readFileSync(path, "utf8"));
  change(json);
  writeFileSync(path, JSON.stringify(json));
}

describe("a checkpoint", () => {
  it("comes back as it was saved, bit for bit", async (t) => {
    assert.deepEqual(await loadCheckpoint(await saved(t)), example());
  });

  it("replaces an earlier one and leaves other files of the folder alone", async (t) => {
    const folder = await saved(t);
    writeFileSync(join(folder, "report.html"), "kept");
    const next = { ...example(), tags: ["a", "b"] };
    await saveCheckpoint(folder, next);
    assert.deepEqual(await loadCheckpoint(folder), next);
    assert.equal(readFileSync(join(folder, "report.html"), "utf8"), "kept");
  });

  it("is not left half written where what is to be saved makes no sense", async (t) => {
    const folder = join(temporaryFolder(t), "model");
    await assert.rejects(saveCheckpoint(folder, { ...example(), thresholds: Float32Array.of(0.5) }), FormatError);
    assert.equal(existsSync(folder), false);
  });

  it("is refused where a tag holds a control character", async (t) => {
    const folder = join(temporaryFolder(t), "model");
    await saveCheckpoint(folder, example());
    const path = join(folder, "model.json");
    const model = JSON.parse(readFileSync(path, "utf8"));
    for (const tag of ["\u001b[2J", "a\nb", "\u0000", "\u009b"]) {
      writeFileSync(path, JSON.stringify({ ...model, tags: [tag, ...model.tags.slice(1)] }));
      await assert.rejects(
        loadCheckpoint(folder),
        /has no valid "tags\[0\]": expected a tag without control characters/,
      );
    }
  });

  it("is refused where its thresholds are no shares", async (t) => {
    const folder = join(temporaryFolder(t), "model");
    await saveCheckpoint(folder, example());
    const path = join(folder, "model.json");
    const text = readFileSync(path, "utf8");
    for (const value of ["1e999", "-1e999", "-0.01", "1.01", "null", '"0.5"', "NaN"]) {
      writeFileSync(path, text.replace(/"thresholds": \[\s*[^,\s]+/, `"thresholds": [${value}`));
      await assert.rejects(loadCheckpoint(folder), /"thresholds\[0\]"|it is not JSON/, value);
    }
  });

  it("is refused where its history is no table", async (t) => {
    const folder = join(temporaryFolder(t), "model");
    await saveCheckpoint(folder, example());
    const bytes = 'epoch,"loss\n1';
    writeFileSync(join(folder, "history.csv"), bytes);
    const path = join(folder, "model.json");
    const model = JSON.parse(readFileSync(path, "utf8"));
    model.files.history = hash("sha256", bytes);
    writeFileSync(path, JSON.stringify(model));
    await assert.rejects(loadCheckpoint(folder), {
      name: "FormatError",
      message: /history\.csv is damaged: it is not CSV/,
    });
  });

  it("is refused where weights are no finite numbers", async (t) => {
    for (const [name, value] of [
      ["weight", Number.NaN],
      ["bias", Number.POSITIVE_INFINITY],
    ] as const) {
      const folder = join(temporaryFolder(t), "model");
      const checkpoint = example();
      checkpoint.head[name][0] = value;
      await saveCheckpoint(folder, checkpoint);
      await assert.rejects(loadCheckpoint(folder), new RegExp(`head\\.safetensors has values in "${name}"`));
    }
  });

  it("that is not there is an InputError that says how to make one", async (t) => {
    await assert.rejects(loadCheckpoint(join(temporaryFolder(t), "none")), (error) => {
      return error instanceof InputError && /canopy train/.test(error.message);
    });
  });

  const damages: [string, RegExp, (folder: string) => void][] = [
    ["a changed weight", /head\.safetensors is not the file/, (f) => flipLastByte(join(f, "head.safetensors"))],
    ["a changed history", /history\.csv is not the file/, (f) => flipLastByte(join(f, "history.csv"))],
    ["a truncated model.json", /not JSON/, (f) => writeFileSync(join(f, "model.json"), '{"version":')],
    ["foreign JSON", /has no version/, (f) => writeFileSync(join(f, "model.json"), '{"name":"x"}')],
    ["a JSON array", /has no version/, (f) => writeFileSync(join(f, "model.json"), "[]")],
    [
      "a later version",
      /format version 99, this canopy reads versions 1 to 4.*canopy 0\.1\.0/,
      (f) => edit(f, (j) => Object.assign(j, { version: 99 })),
    ],
    ["a missing threshold", /"thresholds"/, (f) => edit(f, (j) => (j["thresholds"] as number[]).pop())],
    ["a tag twice", /"tags"/, (f) => edit(f, (j) => Object.assign(j, { tags: ["a", "a"] }))],
    ["a card of another width", /does not hold a head of 4 features/, (f) => edit(f, widenCard)],
  ];
  for (const [what, message, damage] of damages) {
    it(`with ${what} is a FormatError that names file and remedy`, async (t) => {
      const folder = await saved(t);
      damage(folder);
      await assert.rejects(loadCheckpoint(folder), (error) => {
        return error instanceof FormatError && message.test(error.message) && error.message.includes(folder);
      });
    });
  }

  it("is told from a file that is named in its place", async (t) => {
    const file = join(temporaryFolder(t), "exported.onnx");
    writeFileSync(file, "a network");
    await assert.rejects(loadCheckpoint(file), {
      name: "InputError",
      message: /onnx is no folder, and a model is one/,
    });
    await assert.rejects(loadCheckpoint(`${file}s`), /holds no model/);
  });

  it("is refused with any key of model.json missing or of another type, by name", async (t) => {
    const folder = await saved(t);
    const metrics = computeMetrics(
      Float32Array.of(0.9, 0.1),
      { data: Uint8Array.of(1, 0), rows: 1, tags: ["clear", "haze"] },
      Float32Array.of(0.5, 0.5),
    );
    for (const head of [resolveHeadConfig({}), resolveHeadConfig({ recipe: "tutorial" })]) {
      const { training, ...rest } = example();
      const levels = [{ name: "map", count: 1 }];
      const card = { ...rest.card, url: "https://example.org", features: { ...rest.card.features, levels } };
      await saveCheckpoint(folder, {
        ...rest,
        card,
        training: { ...training, head },
        exclusive: [["clear", "haze"]],
        metrics: { holdOut: metrics },
      });
      const path = join(folder, "model.json");
      const read = (json: unknown) => {
        writeFileSync(path, JSON.stringify(json));
        return loadCheckpoint(folder);
      };
      const optional =
        /^training\.head\.l2 of another type$|^(exclusive|card\.url|card\.features\.levels|metrics\.holdOut) missing$|\.(rocAuc|precisionAtRecall90) missing$|^training\.settings\./;
      await assertRefused(JSON.parse(readFileSync(path, "utf8")), path, read, optional);
    }
  });

  it("is of version 2 where its features come from several levels, which version 1 did not know, and else of 1", async (t) => {
    const root = temporaryFolder(t);
    const levels = [{ name: "map", count: 1 }];
    const { card, ...rest } = example();
    for (const [version, features] of [
      [1, card.features],
      [2, { ...card.features, levels }],
    ] as const) {
      const folder = join(root, String(version));
      await saveCheckpoint(folder, { ...rest, card: { ...card, features } });
      assert.equal(JSON.parse(readFileSync(join(folder, "model.json"), "utf8")).version, version);
      assert.deepEqual((await loadCheckpoint(folder)).card.features, features);
    }
    // Such models were of version 1 at first.
    edit(join(root, "2"), (json) => Object.assign(json, { version: 1 }));
    assert.deepEqual((await loadCheckpoint(join(root, "2"))).card.features.levels, levels);
  });

  it("cannot be saved over a file", async (t) => {
    const path = join(temporaryFolder(t), "file");
    writeFileSync(path, "");
    await assert.rejects(saveCheckpoint(path, example()), InputError);
    mkdirSync(join(path, "..", "empty"));
    await saveCheckpoint(join(path, "..", "empty"), example());
  });
});

function flipLastByte(path: string): void {
  const bytes = readFileSync(path);
  bytes[bytes.length - 1] ^= 1;
  writeFileSync(path, bytes);
}

function widenCard(json: Record<string, never>): void {
  (json["card"] as { features: { count: number } }).features.count = 4;
}
