/** `merge`: the outputs of all shards of a run become one. */

import { checkNames, type OptionNames } from "../check.js";
import { FormatError, InputError, restateInterrupt } from "../errors.js";
import { exists, type FileFacts, hashFile, readBlocks } from "../files/facts.js";
import { whileLocked } from "../files/lock.js";
import { refuseFolder } from "../files/output.js";
import type { RunIdentity, RunManifest } from "../run/formats.js";
import { differences, readManifest } from "../run/identity.js";
import { lineFormat, type Piece, type Rows, rowOptions, toStream, writeOutput } from "../run/output.js";
import { outputFormat, type RunPaths, runPaths } from "../run/paths.js";
import type { RunContext } from "../run-context.js";
import { readParquet } from "../tags/read-parquet.js";

export interface MergeOptions {
  /** Outputs of `predict --shard i/n`, one for each i, in any order; their manifests lie beside them. */
  shards: readonly string[];
  /** Has the ending of the shards. */
  out: string;
  /** Replaces `out`. @default false */
  overwrite?: boolean | undefined;
}

export interface MergeSummary {
  shards: number;
  tiles: number;
  predicted: number;
  rejected: number;
  out: string;
  rejects: string | null;
  manifest: string;
}

interface ShardOutput {
  paths: RunPaths;
  manifest: RunManifest;
}

/**
 * Writes the shards one after the other, by their number, into `options.out` with its rejects and manifest. Throws an
 * InputError if they do not make up one whole: a shard missing or given twice, another model, option or input, a
 * tile count that does not add up; InterruptedError on abort, with nothing left behind.
 */
export async function merge(options: MergeOptions, context: RunContext = {}): Promise<MergeSummary> {
  checkNames(options, OPTIONS);
  const paths = runPaths(options.out);
  await refuseFolder(paths.out, paths.rejects, paths.manifest);
  return whileLocked(paths.out, context, () => mergeShards(options, paths, context)).catch(
    restateInterrupt("Interrupted; nothing was written: merge again."),
  );
}

const OPTIONS: OptionNames<MergeOptions> = { shards: true, out: true, overwrite: true };

async function mergeShards(options: MergeOptions, paths: RunPaths, context: RunContext): Promise<MergeSummary> {
  if (!options.overwrite && (await exists(paths.out))) {
    throw new InputError(`${paths.out} exists already: replace it with \`overwrite\`, or give \`out\` another name.`);
  }
  const shards = await Promise.all(options.shards.filter(isOutput).map(readShard));
  const ordered = checkWhole(shards, options.out);
  for (const { paths: shard, manifest } of ordered) {
    await checkFile(shard.out, manifest.output, context.signal);
    if (manifest.rejects !== null) await checkFile(shard.rejects, manifest.rejects, context.signal);
  }
  const merged = await writeOutput(
    paths,
    { identity: mergedIdentity(ordered), contents: null },
    pieces(ordered, context),
    context.signal,
  );
  const { tiles, predicted, rejected, rejects } = merged;
  const { out, manifest } = paths;
  return { shards: shards.length, tiles, predicted, rejected, out, rejects: rejects && paths.rejects, manifest };
}

/** A pattern such as `tags-*.jsonl` also matches the rejects beside an output. */
function isOutput(path: string, _place: number, all: readonly string[]): boolean {
  return !all.some((other) => path === runPaths(other).rejects);
}

async function readShard(out: string): Promise<ShardOutput> {
  const paths = runPaths(out);
  const manifest = await readManifest(paths);
  if (manifest === undefined || !(await exists(out))) {
    const state = (await exists(paths.folder))
      ? "is not finished: go on with `resume`"
      : "is no finished output of canopy predict";
    throw new InputError(`${out} ${state} (there is no ${manifest === undefined ? paths.manifest : out}).`);
  }
  return { paths, manifest };
}

/** The shards by their number. */
function checkWhole(shards: readonly ShardOutput[], out: string): ShardOutput[] {
  const first = shards[0];
  if (first === undefined) throw new InputError("No shards given: name the outputs of predictions with `shard`.");
  const byIndex = new Map<number, ShardOutput>();
  for (const shard of shards) {
    const { index, count } = shardOf(shard);
    const other = byIndex.get(index);
    if (other) throw new InputError(`${shard.paths.out} and ${other.paths.out} are both shard ${index}/${count}.`);
    byIndex.set(index, shard);
    refuseDifferences(first, shard);
  }
  const { count } = shardOf(first);
  const missing = Array.from({ length: count }, (_, i) => i + 1).filter((index) => !byIndex.has(index));
  if (missing.length > 0) throw new InputError(`Of ${count} shards these are missing: ${missing.join(", ")}.`);
  const tiles = countTiles(shards);
  const whole = first.manifest.input.whole.tiles;
  if (whole !== null && tiles !== whole)
    throw new InputError(`The shards hold ${tiles} tiles, but their input had ${whole}.`);
  if (outputFormat(out) !== first.manifest.settings.format) {
    throw new InputError(`The shards are .${first.manifest.settings.format} files; let ${out} end so too.`);
  }
  return [...byIndex.entries()].sort(([a], [b]) => a - b).map(([, shard]) => shard);
}

function shardOf({ paths, manifest }: ShardOutput) {
  if (manifest.shard === null) throw new InputError(`${paths.out} is no shard: it was predicted without \`shard\`.`);
  return manifest.shard;
}

function refuseDifferences(first: ShardOutput, shard: ShardOutput): void {
  const { count } = shardOf(first);
  const [before, now] = [first, shard].map(({ manifest }) => ({
    ...manifest,
    shard: { index: 0, count: manifest.shard!.count },
  }));
  const changes = differences(before, now).map((change) =>
    change.replace("`shard` was 0/", "the number of shards was ").replace(" 0/", " "),
  );
  if (first.manifest.input.whole.namesSha256 !== shard.manifest.input.whole.namesSha256)
    changes.push("their inputs differ");
  if (changes.length === 0) return;
  throw new InputError(
    `${shard.paths.out} does not go with ${first.paths.out} (1 of ${count}): ${changes.join("; ")}.`,
  );
}

async function checkFile(path: string, facts: FileFacts, signal: AbortSignal | undefined): Promise<void> {
  const now = await hashFile(path, signal);
  if (now.sha256 !== facts.sha256) {
    throw new FormatError(path, `${path} is not what its manifest says: it was changed or damaged since.`);
  }
}

function mergedIdentity(shards: readonly ShardOutput[]): RunIdentity {
  const { version, model, settings, input } = shards[0].manifest;
  const { whole, stdin } = input;
  return {
    version,
    model,
    settings,
    shard: null,
    input: { tiles: whole.tiles ?? countTiles(shards), sha256: whole.namesSha256, whole, stdin },
  };
}

function countTiles(shards: readonly ShardOutput[]): number {
  return shards.reduce((sum, { manifest }) => sum + manifest.predicted + manifest.rejected, 0);
}

function* pieces(shards: readonly ShardOutput[], context: RunContext): Generator<Piece> {
  let done = 0;
  for (const shard of shards) {
    const { tiles, predicted, rejected, rejects } = shard.manifest;
    yield {
      tiles,
      predicted,
      rejected,
      rows: () => rowsOf(shard),
      rejects: () => (rejects === null ? toStream("") : readBlocks(shard.paths.rejects)),
    };
    context.onProgress?.({ stage: "merge", done: ++done, total: shards.length, rejected: 0, unit: "shards" });
  }
}

function rowsOf({ paths, manifest }: ShardOutput): AsyncIterable<Rows> {
  const { format } = manifest.settings;
  const options = rowOptions(manifest);
  if (format === "parquet") return readParquet(paths.out, options);
  return readBlocks(paths.out, Buffer.byteLength(lineFormat(format, options).header));
}
