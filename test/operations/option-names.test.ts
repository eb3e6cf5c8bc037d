/** A misspelt option would be ignored: each function refuses it, and names the one that was meant. */
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
