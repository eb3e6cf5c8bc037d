import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { it } from "node:test";
import { whileLocked } from "../../src/files/lock.js";
import { merge } from "../../src/operations/merge.js";
import { synthesize } from "../../src/operations/synth.js";
import { train } from "../../src/operations/train.js";
import { temporaryFolder } from "../helpers.js";

const BEGIN: Readonly<Record<string, (root: string) => Promise<unknown>>> = {
  train: (root) => train({ tiles: root, labels: join(root, "none.csv"), out: join(root, "out"), overwrite: true }),
  synthesize: (root) => synthesize({ count: 1, size: 16, workers: 1, out: join(root, "out"), overwrite: true }),
  merge: (root) => merge({ outputs: [join(root, "1.csv")], out: join(root, "out"), overwrite: true }),
};

for (const [name, begin] of Object.entries(BEGIN)) {
  it(`${name} is refused while another process makes the same output, and changes nothing`, async (t) => {
    const root = temporaryFolder(t);
    await whileLocked(join(root, "out"), {}, async () => {
      const before = readdirSync(root);
      const error = { name: "InputError", message: new RegExp(`process ${process.pid} .* is working on this output`) };
      await assert.rejects(begin(root), error);
      assert.deepEqual(readdirSync(root), before);
    });
  });
}
