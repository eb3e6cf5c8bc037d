/** A short run of each fuzzer, always the same; `npm run fuzz` goes on for longer. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { suiteFolder } from "../helpers.js";
import { AREA_NAMES, type AreaName, openArea } from "./areas.js";
import { fuzz, type Seed } from "./fuzzer.js";

const folder = suiteFolder();
const keep = join(folder, "findings");

/** As many as take a few seconds. */
const EXECUTIONS: Record<AreaName, number> = {
  archives: 400,
  compressed: 150,
  indexes: 250,
  jobs: 10_000,
  labels: 300,
  models: 400,
  networks: 500,
  outputs: 20,
  rasters: 2000,
  runs: 16,
  servers: 200,
  texts: 400,
};

describe("of damaged input", () => {
  for (const name of AREA_NAMES) {
    it(`${name}: nothing breaks a promise`, async (t) => {
      const area = await openArea(name, join(folder, name));
      const report = await fuzz(area, { executions: EXECUTIONS[name], seed: 1, keep });
      t.diagnostic(`${report.executions} executions, ${report.outcomes} kinds of outcomes`);
      assert.deepEqual(report.flaws, []);
      assert.ok(report.outcomes > 2, `${report.outcomes} kinds of outcomes`);
    });
  }
});

describe("a fuzzer", () => {
  const seeds = [{ name: "a", bytes: Buffer.from('{"size": 7, "name": "x"}') }];

  it("finds what is broken, keeps the file, and goes on", async () => {
    const read = async ({ bytes }: Seed) => {
      const { size } = JSON.parse(Buffer.from(bytes).toString()) as { size: number };
      return String(size > 0);
    };
    const { flaws } = await fuzz({ seeds, words: [], read }, { executions: 2000, seed: 1, keep });
    assert.ok(flaws.length > 1);
    for (const { file, problem } of flaws) {
      assert.match(problem, /SyntaxError|TypeError/);
      await assert.rejects(read({ name: "a", bytes: readFileSync(file) }));
    }
  });

  it("damages what is new further: a reader that asks for one step after the other is passed", async () => {
    const words = ["one", "two", "three"];
    const read = async ({ bytes }: Seed) => {
      const text = Buffer.from(bytes).toString("latin1");
      const steps = words.findIndex((word) => !text.includes(word));
      if (steps < 0) throw new Error("passed");
      return String(steps);
    };
    const { flaws } = await fuzz({ seeds, words, read }, { executions: 20_000, seed: 1, keep });
    assert.ok(flaws.length > 0);
  });

  it("ends a reader that does not come back, and keeps its file", () => {
    const url = (name: string) => JSON.stringify(new URL(`./${name}.js`, import.meta.url).href);
    const script = `const { watch } = await import(${url("watch")});
      watch(${JSON.stringify(keep)}, 1).begin({ name: "a", bytes: Buffer.from("endless") });
      while (Date.now() > 0);`;
    const { signal } = spawnSync(process.execPath, ["--input-type=module", "-e", script], { timeout: 60_000 });
    assert.equal(signal, "SIGKILL");
    assert.ok(existsSync(join(keep, "hangs")));
    assert.equal(readFileSync(join(keep, "hangs"), "utf8"), "endless");
  });
});
