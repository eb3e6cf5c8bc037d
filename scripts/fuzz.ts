/**
 * Fuzzes what canopy reads in TypeScript. Files that break a promise stay in fuzz-findings/.
 *
 *   npm run fuzz -- AREA [SECONDS] [SEED]    areas: see test/fuzz/areas.ts; without one, each in turn
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { AREA_NAMES, type AreaName, openArea } from "../test/fuzz/areas.js";
import { fuzz } from "../test/fuzz/fuzzer.js";

const [word, seconds = "60", seed = String(Math.floor(Math.random() * 2 ** 32))] = process.argv.slice(2);
const names = word === undefined ? AREA_NAMES : AREA_NAMES.filter((name) => name === word);
if (names.length === 0) throw new Error(`There is no area ${word}: name one of ${AREA_NAMES.join(", ")}.`);
const folder = mkdtempSync(join(tmpdir(), "canopy-fuzz-"));
process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
for (const name of names) await run(name);

async function run(name: AreaName): Promise<void> {
  const area = await openArea(name, join(folder, name));
  const keep = resolve("fuzz-findings", name);
  const report = await fuzz(area, { seconds: Number(seconds), seed: Number(seed), keep });
  const { executions, outcomes, flaws } = report;
  console.log(
    `${name}: ${executions} executions in ${report.seconds.toFixed(0)} s (seed ${seed}), ${outcomes} kinds of outcomes, ${flaws.length} flaws`,
  );
  for (const { file, problem } of flaws) console.log(`${file}\n${problem}`);
  if (flaws.length > 0) process.exitCode = 1;
}
