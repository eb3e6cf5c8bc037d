import assert from "node:assert/strict";
import { test } from "node:test";
import { useFlags, withFlags } from "../../src/cli/flags.js";

test("options that the command has become its flags, values become words, and other names stay", () => {
  useFlags([
    "resume",
    "max-unreadable",
    "lr",
    "label-columns",
    "max-pixels",
    "out",
    "epochs",
    "target",
    "finetune-epochs",
  ]);
  const cases = {
    "go on with `resume`": "go on with --resume",
    "`resume: true`": "--resume",
    "`maxUnreadable: null` rejects them": "--max-unreadable none rejects them",
    "Expected `learningRate` to be": "Expected --lr to be",
    "Expected `decode.maxPixels` to be": "Expected --max-pixels to be",
    '`labelColumns: ["a b", "c"]`': "--label-columns a b,c",
    "`out: x.csv`": "--out x.csv",
    "Expected `targets` to be": "Expected --target to be",
    "`head.epochs` and `finetune.epochs`": "--epochs and --finetune-epochs",
    "`overwrite`, `canopy train` and `toString` stay": "`overwrite`, `canopy train` and `toString` stay",
  };
  for (const [message, expected] of Object.entries(cases)) assert.equal(withFlags(message), expected);
});
