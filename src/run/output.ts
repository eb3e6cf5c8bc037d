/** Writing an output and its rejects file from pieces, in order: the parts of a run, or the outputs of shards. */
import { createHash } from "node:crypto";
import { rm } from "node:fs/promises";
import { InterruptedError } from "../errors.js";
import { Draft } from "../files/draft.js";
import { exists, type FileFacts } from "../files/facts.js";
import { writeWhole, writeWith } from "../files/write.js";
import { packedRows, type RowBlock } from "../tags/packed-rows.js";
import { ParquetEncoder } from "../tags/parquet.js";
import { csvRows, jsonRows, type RowFormat, type RowOptions } from "../tags/rows.js";
import type { RunIdentity, RunManifest } from "./formats.js";
import type { OutputFormat, RunPaths } from "./paths.js";

/** Rows of an output: bytes in its line format, or, where it is a Parquet file, columns. */
export type Rows = Buffer | RowBlock;

/** A stretch of an output. Both streams throw if what they read does not match its checksum. */
export interface Piece {
  tiles: number;
  predicted: number;
  rejected: number;
  /** Without a header. */
  rows(): AsyncIterable<Rows>;
  /** Lines of the rejects file. */
  rejects(): AsyncIterable<Buffer>;
}

/** What the manifest says besides what is counted while the output is written. */
interface OutputKind {
  identity: RunIdentity;
  contents: string | null;
}

/**
 * The line format of a run's parts. Parquet is put together at the end, as its row groups are larger than parts and its
 * footer comes last.
 */
export function lineFormat(format: OutputFormat, options: RowOptions): RowFormat {
  return { csv: csvRows, jsonl: jsonRows, parquet: packedRows }[format](options);
}

export function rowOptions({ model, settings }: Pick<RunIdentity, "model" | "settings">): RowOptions {
  return { tags: model.tags, probabilities: settings.probabilities };
}

/**
 * Writes output, rejects and manifest; the output takes its place last, when all else is on disk. Can be done again if
 * interrupted, which throws InterruptedError.
 */
export async function writeOutput(
  paths: RunPaths,
  { identity, contents }: OutputKind,
  pieces: Iterable<Piece> | AsyncIterable<Piece>,
  signal?: AbortSignal,
): Promise<RunManifest> {
  const sink = await openSink(paths.out, identity);
  try {
    await sink.begin();
    let written: Written | undefined;
    await writeWith(paths.rejects, async (draft) => {
      written = await writePieces(pieces, sink, draft, signal);
    });
    const { output, rejects, totals } = written!;
    const rejectFacts = totals.rejected === 0 ? null : rejects;
    if (rejectFacts === null) await rm(paths.rejects, { force: true });
    const manifest = { ...identity, ...totals, output, rejects: rejectFacts, contents };
    await writeWhole(paths.manifest, `${JSON.stringify(manifest, null, 2)}\n`);
    await sink.publish();
    return manifest;
  } catch (error) {
    await sink.abandon();
    // Rejects say nothing without the output they go with.
    if (!(await exists(paths.out))) await rm(paths.rejects, { force: true });
    throw error;
  }
}

type Written = Pick<RunManifest, "output"> & {
  rejects: FileFacts;
  totals: Pick<RunManifest, "tiles" | "predicted" | "rejected">;
};

async function writePieces(
  pieces: Iterable<Piece> | AsyncIterable<Piece>,
  sink: Sink,
  rejectsFile: Draft,
  signal: AbortSignal | undefined,
): Promise<Written> {
  const totals = { tiles: 0, predicted: 0, rejected: 0 };
  const rejects = createHash("sha256");
  let bytes = 0;
  for await (const piece of pieces) {
    totals.tiles += piece.tiles;
    totals.predicted += piece.predicted;
    totals.rejected += piece.rejected;
    await sink.append(stoppable(piece.rows(), signal));
    for await (const block of stoppable(piece.rejects(), signal)) {
      await rejectsFile.write(block);
      rejects.update(block);
      bytes += block.length;
    }
  }
  return {
    totals,
    output: await sink.finish(),
    rejects: { bytes, sha256: rejects.digest("hex") },
  };
}

/** Where rows end up; one of publish and abandon is called at the end. */
interface Sink {
  /** Writes what the file begins with. */
  begin(): Promise<void>;
  append(rows: AsyncIterable<Rows>): Promise<void>;
  /** Brings everything to the disk. */
  finish(): Promise<FileFacts>;
  /** Puts the file in its place. */
  publish(): Promise<unknown>;
  /** Removes what was written. */
  abandon(): Promise<void>;
}

async function openSink(path: string, identity: RunIdentity): Promise<Sink> {
  const file = await Draft.create(path);
  return identity.settings.format === "parquet" ? parquetSink(file, identity) : lineSink(file, identity);
}

function lineSink(file: Draft, identity: RunIdentity): Sink {
  const { header } = lineFormat(identity.settings.format, rowOptions(identity));
  return {
    begin: () => file.write(Buffer.from(header)),
    append: async (rows) => {
      for await (const block of rows) await file.write(block as Buffer);
    },
    finish: () => file.finish(),
    publish: () => file.publish(),
    abandon: () => file.abandon(),
  };
}

function parquetSink(file: Draft, identity: RunIdentity): Sink {
  const metadata = { canopy_model_sha256: identity.model.sha256 };
  const encoder = new ParquetEncoder((bytes) => file.write(bytes), rowOptions(identity), metadata);
  return {
    begin: async () => {},
    append: async (rows) => {
      for await (const block of rows) await encoder.append(block as RowBlock);
    },
    finish: async () => {
      await encoder.finish();
      return file.finish();
    },
    publish: () => file.publish(),
    abandon: () => file.abandon(),
  };
}

export async function* toStream(text: string): AsyncGenerator<Buffer> {
  if (text !== "") yield Buffer.from(text, "utf8");
}

/** Ends with InterruptedError on abort: a piece may be a whole shard. */
async function* stoppable<T>(blocks: AsyncIterable<T>, signal: AbortSignal | undefined): AsyncGenerator<T> {
  for await (const block of blocks) {
    if (signal?.aborted) throw new InterruptedError();
    yield block;
  }
}
