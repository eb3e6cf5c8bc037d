/**
 * A misspelt option would be ignored: each function refuses it, and names the one that was meant. A missing one, or one of another
 * type, would end in an error from the depths.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import * as canopy from "../../src/index.js";

/** A function of the library, a misspelt option, and the option that is meant. */
const CASES: [call: (options: never) => Promise<unknown>, wrong: string, meant: string][] = [
  [canopy.train, "label", "labels"],
  [canopy.predict, "input", "inputs"],
  [canopy.embed, "modle", "model"],
  [canopy.merge, "output", "outputs"],
  [canopy.evaluate, "treshold", "threshold"],
  [canopy.compare, "model", "models"],
  [canopy.inspect, "colourspace", "colorspace"],
  [canopy.fix, "overwite", "overwrite"],
  [canopy.suggest, "countt", "count"],
  [canopy.exportLabels, "predicitons", "predictions"],
  [canopy.importLabels, "overwrit", "overwrite"],
  [canopy.exportModel, "backbon", "backbone"],
  [canopy.quantize, "outt", "out"],
  [canopy.importBackbone.bind(null, "x.onnx"), "overwrit", "overwrite"],
  [canopy.report, "modell", "model"],
  [canopy.synthesize, "sead", "seed"],
  [canopy.enqueue, "partTile", "partTiles"],
  [canopy.work, "worker", "workers"],
  [canopy.queueStatus, "rediss", "redis"],
];

for (const [call, wrong, meant] of CASES) {
  test(`${call.name} refuses \`${wrong}\``, async () => {
    const message = `There is no option \`${wrong}\`: did you mean \`${meant}\`?`;
    await assert.rejects(call({ [wrong]: "x" } as never), { name: "OptionError", message });
  });
}

/** A function of the library, and the options that it cannot do without. */
const REQUIRED: [call: (options: never) => Promise<unknown>, required: Record<string, unknown>][] = [
  [canopy.train, { tiles: "tiles", labels: "labels.csv", out: "out" }],
  [canopy.predict, { inputs: ["a", "b"], model: "model", out: "out.csv" }],
  [canopy.embed, { inputs: "tiles", out: "out.parquet" }],
  [canopy.merge, { outputs: ["a.csv", "b.csv"], out: "out.csv" }],
  [canopy.evaluate, { tiles: "tiles", labels: "labels.csv", model: "model" }],
  [canopy.compare, { tiles: "tiles", labels: "labels.csv", models: ["a", "b"] }],
  [canopy.inspect, { inputs: "tiles" }],
  [canopy.fix, { inputs: "tiles", out: "out" }],
  [canopy.indexArchives, { inputs: "tiles.tar" }],
  [canopy.suggest, { inputs: "tiles", model: "model", out: "out.csv" }],
  [canopy.exportLabels, { out: "out.csv" }],
  [canopy.importLabels, { file: "in.csv", out: "out.csv" }],
  [canopy.exportModel, { model: "model", out: "out.onnx" }],
  [canopy.quantize, { model: "model", tiles: "tiles", out: "out" }],
  [canopy.report, { model: "model" }],
  [canopy.synthesize, { out: "out" }],
  [canopy.enqueue, { inputs: "tiles", model: "model", out: "out.csv" }],
];

for (const [call, required] of REQUIRED) {
  for (const name of Object.keys(required)) {
    test(`${call.name} says that \`${name}\` is missing, or of another type`, async () => {
      const missing = { name: "OptionError", message: new RegExp(`^The option \`${name}\` is missing: expected a `) };
      await assert.rejects(call({ ...required, [name]: undefined } as never), missing);
      for (const value of [7, null, [7], { path: "x" }]) {
        const other = { name: "OptionError", message: new RegExp(`^Expected \`${name}\` to be a .*, got `) };
        await assert.rejects(call({ ...required, [name]: value } as never), other);
      }
    });
  }
}

test("switches and texts that may be left out are refused with another type", async () => {
  const merge = { outputs: ["a.csv"], out: "out.csv" };
  await assert.rejects(canopy.merge({ ...merge, overwrite: "no" } as never), {
    name: "OptionError",
    message: 'Expected `overwrite` to be true or false, got "no" (string).',
  });
  await assert.rejects(canopy.queueStatus({ redis: 6379 } as never), {
    name: "OptionError",
    message: /`redis` to be a/,
  });
  await assert.rejects(canopy.importBackbone(7 as never), { name: "OptionError", message: /`path` to be a string/ });
});

test("members of groups, a tagger's options and those of its calls are refused, too", async () => {
  const train = { tiles: "tiles", labels: "labels.csv", out: "model" };
  const decode = { maxPixel: 1 } as object;
  await assert.rejects(canopy.train({ ...train, decode }), {
    name: "OptionError",
    message: /`decode\.maxPixel`: did you mean/,
  });
  const head = { learningrate: 1 } as object;
  await assert.rejects(canopy.train({ ...train, head }), {
    name: "OptionError",
    message: /`head\.learningrate`: did you mean `head\.learningRate`/,
  });
  await assert.rejects(canopy.Tagger.open("model", { session: 1 } as object), /did you mean `sessions`/);
  await assert.rejects(canopy.predict(7 as unknown as canopy.PredictOptions), /options to be an object, got 7/);
});

test("a name that is near to none is refused without advice", async () => {
  await assert.rejects(canopy.report({ model: "m", zzzzzz: 1 } as canopy.ReportOptions), {
    message: "There is no option `zzzzzz`.",
  });
});
