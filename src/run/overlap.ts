/** Whether runs have tiles of the same name. */
import { InputError, InterruptedError } from "../errors.js";
import { hashName } from "../tiles/shard.js";
import { type FinishedOutput, readRows } from "./finished-output.js";

/** Names that a message gives. */
const NAMED = 5;

/**
 * Throws an InputError that gives names which rows of more than one of `runs` have. It needs 16 bytes of memory for each
 * row, because it compares hashes of names.
 */
export async function refuseOverlap(runs: readonly FinishedOutput[][], signal?: AbortSignal): Promise<void> {
  if (runs.length < 2) return;
  const sets: Float64Array[] = [];
  for (const run of runs) sets.push(await hashesOf(run, signal));
  const shared = new Set<number>();
  const sorted = concatenated(sets).sort();
  for (let i = 1; i < sorted.length; i++) if (sorted[i] === sorted[i - 1]) shared.add(sorted[i]);
  if (shared.size === 0) return;
  throw new InputError(await describe(runs, shared, signal));
}

/** Of the names of `run`, each once. */
async function hashesOf(run: readonly FinishedOutput[], signal?: AbortSignal): Promise<Float64Array> {
  const blocks: Float64Array[] = [];
  for await (const names of namesOf(run, signal)) blocks.push(Float64Array.from(names, hashName));
  const sorted = concatenated(blocks).sort();
  return sorted.subarray(0, dropRepeated(sorted));
}

function concatenated(parts: readonly Float64Array[]): Float64Array {
  const all = new Float64Array(parts.reduce((sum, { length }) => sum + length, 0));
  let end = 0;
  for (const part of parts) {
    all.set(part, end);
    end += part.length;
  }
  return all;
}

/** Moves the different ones of ascending values to the front; returns how many there are. */
function dropRepeated(values: Float64Array): number {
  let count = 0;
  for (const value of values) if (count === 0 || value !== values[count - 1]) values[count++] = value;
  return count;
}

async function describe(runs: readonly FinishedOutput[][], shared: ReadonlySet<number>, signal?: AbortSignal) {
  const outputs = new Set<string>();
  const names = new Set<string>();
  for (const run of runs) {
    for await (const block of namesOf(run, signal)) {
      const found = block.filter((name) => shared.has(hashName(name)));
      if (found.length > 0) outputs.add(run[0].paths.out);
      for (const name of found) if (names.size < NAMED) names.add(name);
    }
  }
  const more = shared.size > names.size ? ` and ${shared.size - names.size} more` : "";
  const tiles = shared.size === 1 ? "a tile of the same name" : "tiles of the same names";
  return `${[...outputs].join(" and ")} hold ${tiles}: ${[...names].join(", ")}${more}. Leave one of them out.`;
}

async function* namesOf(run: readonly FinishedOutput[], signal: AbortSignal | undefined): AsyncGenerator<string[]> {
  for (const output of run) {
    for await (const { names } of readRows(output)) {
      if (signal?.aborted) throw new InterruptedError();
      yield names;
    }
  }
}
