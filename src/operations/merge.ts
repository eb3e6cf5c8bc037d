/** `merge`: finished predictions of one model become one: the shards of a run, and runs over other tiles. */
import { createHash } from "node:crypto";
import { checkKinds, type OptionKinds } from "../check.js";
import { restateInterrupt } from "../errors.js";
import { whileLocked } from "../files/lock.js";
import { checkOutput, refuseFolder } from "../files/output.js";
import { checkFinished, type FinishedOutput, pieceOf, readFinished } from "../run/finished-output.js";
import type { RunIdentity } from "../run/formats.js";
import { embeddingFormat, type Piece, writeOutput } from "../run/output.js";
import { refuseOverlap } from "../run/overlap.js";
import { outputFormat, type RunPaths, runPaths } from "../run/paths.js";
import { countTiles, groupRuns } from "../run/run-groups.js";
import type { RunContext } from "../run-context.js";

export interface MergeOptions {
  /** Outputs of `predict`, in any format and order, with all shards of a run; their manifests lie beside them. */
  outputs: readonly string[];
  /** Ends in .csv, .jsonl or .parquet. */
  out: string;
  /** Replaces `out`. @default false */
  overwrite?: boolean | undefined;
}

export interface MergeSummary {
  outputs: number;
  /** Of which runs they are; all shards of a run are one. */
  runs: number;
  tiles: number;
  predicted: number;
  rejected: number;
  out: string;
  rejects: string | null;
  manifest: string;
}

/**
 * Writes runs one after the other as they are named, shards by their number, into `options.out` with its rejects and
 * manifest. Throws an InputError if they do not go together: another model or options, a shard missing or given twice,
 * tiles that do not add up, a name that rows of two runs have; InterruptedError on abort, with nothing left behind.
 */
export async function merge(options: MergeOptions, context: RunContext = {}): Promise<MergeSummary> {
  checkKinds(options, OPTIONS);
  const paths = runPaths(options.out);
  await refuseFolder(paths.out, paths.rejects, paths.manifest);
  return whileLocked(paths.out, context, () => mergeOutputs(options, paths, context)).catch(
    restateInterrupt("Interrupted; nothing was written: merge again."),
  );
}

const OPTIONS: OptionKinds<MergeOptions> = { outputs: "list", out: "string", overwrite: "boolean?" };

async function mergeOutputs(options: MergeOptions, paths: RunPaths, context: RunContext): Promise<MergeSummary> {
  const format = outputFormat(paths.out);
  await checkOutput(paths.out, options.overwrite);
  const runs = groupRuns(await Promise.all(options.outputs.filter(isOutput).map(readFinished)));
  const outputs = runs.flat();
  for (const output of outputs) await checkFinished(output, context.signal);
  await refuseOverlap(runs, context.signal);
  const identity = mergedIdentity(runs, format);
  if (identity.settings.numFeatures !== undefined) embeddingFormat(format);
  warnOfPaths(outputs, identity, context);
  const pieces = piecesOf(outputs, identity, context);
  const merged = await writeOutput(paths, { identity, contents: null }, pieces, context.signal);
  const { tiles, predicted, rejected, rejects } = merged;
  const { out, manifest } = paths;
  const counts = { outputs: outputs.length, runs: runs.length, tiles, predicted, rejected };
  return { ...counts, out, rejects: rejects && paths.rejects, manifest };
}

/** A pattern such as `tags-*.jsonl` also matches the rejects beside an output. */
function isOutput(path: string, _place: number, all: readonly string[]): boolean {
  return !all.some((other) => path === runPaths(other).rejects);
}

function mergedIdentity(runs: readonly FinishedOutput[][], format: RunIdentity["settings"]["format"]): RunIdentity {
  const outputs = runs.flat();
  const { version, model, settings, input } = outputs[0].manifest;
  const escapeFormulas = format === "csv" && outputs.some(({ manifest }) => manifest.settings.escapeFormulas);
  const tiles = countTiles(outputs);
  const namesSha256 = runs.length === 1 ? input.whole.namesSha256 : hashOfInputs(runs);
  return {
    version,
    model,
    settings: { ...settings, format, escapeFormulas },
    shard: null,
    input: { tiles, sha256: namesSha256, whole: { tiles, namesSha256 }, stdin: runs.length === 1 ? input.stdin : null },
  };
}

function hashOfInputs(runs: readonly FinishedOutput[][]): string {
  const hash = createHash("sha256");
  for (const [{ manifest }] of runs) hash.update(`${manifest.input.whole.namesSha256}\n`);
  return hash.digest("hex");
}

function warnOfPaths(outputs: readonly FinishedOutput[], { settings }: RunIdentity, { onWarning }: RunContext): void {
  const csv = outputs.find(({ manifest }) => manifest.settings.format === "csv");
  if (csv === undefined || settings.format === "csv") return;
  onWarning?.(`CSV holds no paths of tiles, so those of ${csv.paths.out} are empty in the output.`);
}

function* piecesOf(outputs: readonly FinishedOutput[], target: RunIdentity, context: RunContext): Generator<Piece> {
  const total = outputs.length;
  for (const [done, output] of outputs.entries()) {
    yield pieceOf(output, target);
    context.onProgress?.({ stage: "merge", done: done + 1, total, rejected: 0, unit: "outputs" });
  }
}
