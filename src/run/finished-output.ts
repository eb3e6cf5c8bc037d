/** Finished outputs: found by their manifests, checked, and their rows read back in the format that is wanted. */
import { CanopyError, FormatError, InputError } from "../errors.js";
import { exists, type FileFacts, hashFile, readBlocks } from "../files/facts.js";
import { jsonEmbeddings } from "../tags/embeddings.js";
import { isSound, type RowBlock } from "../tags/packed-rows.js";
import { readCsvRows, readJsonRows } from "../tags/read-rows.js";
import { csvRows, jsonRows, type RowOptions } from "../tags/rows.js";
import type { RunIdentity, RunManifest } from "./formats.js";
import { readManifest } from "./identity.js";
import { lineFormat, type Piece, type Rows, rowOptions, toStream } from "./output.js";
import { type RunPaths, runPaths } from "./paths.js";

export interface FinishedOutput {
  paths: RunPaths;
  manifest: RunManifest;
}

/** The output in the file `out`. Throws an InputError if it is none, or not finished. */
export async function readFinished(out: string): Promise<FinishedOutput> {
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

/** Throws a FormatError if its files are not what its manifest says. */
export async function checkFinished({ paths, manifest }: FinishedOutput, signal?: AbortSignal): Promise<void> {
  await checkFile(paths.out, manifest.output, signal);
  if (manifest.rejects !== null) await checkFile(paths.rejects, manifest.rejects, signal);
}

async function checkFile(path: string, facts: FileFacts, signal: AbortSignal | undefined): Promise<void> {
  const now = await hashFile(path, signal);
  if (now.sha256 !== facts.sha256) {
    throw new FormatError(path, `${path} is not what its manifest says: it was changed or damaged since.`);
  }
}

/** The whole output as a piece of one with the settings of `target`. */
export function pieceOf(output: FinishedOutput, target: RunIdentity): Piece {
  const { paths, manifest } = output;
  const { tiles, predicted, rejected, rejects } = manifest;
  return {
    tiles,
    predicted,
    rejected,
    rows: () => rowsAs(output, target),
    rejects: () => (rejects === null ? toStream("") : readBlocks(paths.rejects)),
  };
}

function rowsAs(output: FinishedOutput, target: RunIdentity): AsyncIterable<Rows> {
  const { format, escapeFormulas } = output.manifest.settings;
  const wanted = target.settings;
  if (wanted.format === "parquet") return readRows(output);
  const isSame = format === wanted.format && (format === "jsonl" || escapeFormulas === wanted.escapeFormulas);
  if (!isSame) return linesOf(output, target);
  return readBlocks(output.paths.out, Buffer.byteLength(lineFormat(format, rowOptions(output.manifest)).header));
}

async function* linesOf(output: FinishedOutput, target: RunIdentity): AsyncGenerator<Buffer> {
  if (target.settings.numFeatures !== undefined) return yield* embeddingLines(output);
  const { rows } = (target.settings.format === "csv" ? csvRows : jsonRows)(rowOptions(target));
  for await (const { names, paths, tags, probabilities } of readRows(output)) {
    const predictions = names.map((name, row) => ({
      name,
      path: paths[row],
      tags: tags[row],
      probabilities: Float32Array.from(probabilities, (column) => column[row]),
    }));
    yield Buffer.from(rows(predictions));
  }
}

async function* embeddingLines(output: FinishedOutput): AsyncGenerator<Buffer> {
  for await (const { names, paths, embeddings } of readRows(output)) {
    const rows = names.map((name, row) => ({ name, path: paths[row], embedding: embeddings[row] }));
    yield Buffer.from(jsonEmbeddings.rows(rows));
  }
}

/** The rows of an output, whatever its format. Throws a FormatError if they are not those of its manifest. */
export async function* readRows(output: FinishedOutput): AsyncGenerator<RowBlock> {
  const { paths, manifest } = output;
  const options = rowOptions(manifest);
  let rows = 0;
  try {
    for await (const block of rowsOf(output, options)) {
      if (!isSound(block, options)) throw new Error("a row is none of its model's");
      rows += block.names.length;
      yield block;
    }
  } catch (cause) {
    const { message, syscall } = cause as NodeJS.ErrnoException;
    if (cause instanceof CanopyError || syscall !== undefined) throw cause;
    throw new FormatError(paths.out, `${paths.out} is damaged: ${message}.`, { cause });
  }
  if (rows !== manifest.predicted) {
    const counts = `${rows} rows, and ${manifest.predicted} by its manifest`;
    throw new FormatError(paths.out, `${paths.out} is damaged: it has ${counts}.`);
  }
}

async function* rowsOf({ paths, manifest }: FinishedOutput, options: RowOptions): AsyncGenerator<RowBlock> {
  const { format } = manifest.settings;
  if (format === "csv") yield* readCsvRows(paths.out, options);
  else if (format === "jsonl") yield* readJsonRows(paths.out, options);
  else yield* (await import("../tags/read-parquet.js")).readParquet(paths.out, options);
}
