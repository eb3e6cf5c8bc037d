/** Which finished outputs go together: all of one model, those of shards with all shards of their run. */
import { InputError } from "../errors.js";
import type { FinishedOutput } from "./finished-output.js";
import { differences } from "./identity.js";

/**
 * The outputs as whole runs: one output, or all shards in their order; runs in the order in which they are named. Throws
 * an InputError for another model or other options, for a shard that is missing or given twice, for tiles that do not
 * add up.
 */
export function groupRuns(outputs: readonly FinishedOutput[]): FinishedOutput[][] {
  const [first] = outputs;
  if (first === undefined) throw new InputError("No outputs given: name finished outputs of predictions.");
  const runs = new Map<string, FinishedOutput[]>();
  for (const output of outputs) {
    refuseDifferences(first, output);
    const { shard, input, output: file } = output.manifest;
    const key = shard === null ? `${file.sha256} ${output.paths.out}` : `${shard.count} ${input.whole.namesSha256}`;
    runs.set(key, [...(runs.get(key) ?? []), output]);
  }
  return [...runs.values()].map(inOrder);
}

export function countTiles(outputs: readonly FinishedOutput[]): number {
  return outputs.reduce((sum, { manifest }) => sum + manifest.predicted + manifest.rejected, 0);
}

/** What the machine of a run decides, which may be another for each, and what its rows are written as. */
const FREE = { batchSize: 1, device: "cpu", maxBytes: 1, format: "csv", escapeFormulas: false } as const;

function refuseDifferences(first: FinishedOutput, output: FinishedOutput): void {
  const [before, now] = [first, output].map(({ manifest }) => ({
    ...manifest,
    shard: null,
    settings: { ...manifest.settings, ...FREE },
  }));
  // A setting that only one of them has shows in one direction.
  const oneWay = differences(before, now, (there, here) => `is ${here}, and ${there} there`);
  const changes =
    oneWay.length > 0 ? oneWay : differences(now, before, (here, there) => `is ${here}, and ${there} there`);
  if (changes.length === 0) return;
  throw new InputError(`${output.paths.out} does not go with ${first.paths.out}: ${changes.join("; ")}.`);
}

/** All shards of a run, by their number. */
function inOrder(outputs: readonly FinishedOutput[]): FinishedOutput[] {
  const [{ manifest, paths }] = outputs;
  if (manifest.shard === null) {
    if (outputs.length > 1) throw new InputError(`${paths.out} is given ${outputs.length} times.`);
    return [...outputs];
  }
  const { count } = manifest.shard;
  const byIndex = new Map<number, FinishedOutput>();
  for (const output of outputs) {
    const index = output.manifest.shard?.index ?? 0;
    const other = byIndex.get(index);
    if (other) throw new InputError(`${output.paths.out} and ${other.paths.out} are both shard ${index}/${count}.`);
    byIndex.set(index, output);
  }
  const missing = Array.from({ length: count }, (_, i) => i + 1).filter((index) => !byIndex.has(index));
  if (missing.length > 0) {
    throw new InputError(
      `Of ${count} shards these are missing: ${missing.join(", ")} (a shard of other tiles counts for another run).`,
    );
  }
  const [tiles, whole] = [countTiles(outputs), manifest.input.whole.tiles];
  if (whole !== null && tiles !== whole)
    throw new InputError(`The shards hold ${tiles} tiles, but their input had ${whole}.`);
  return [...byIndex.entries()].sort(([a], [b]) => a - b).map(([, output]) => output);
}
