/** Writing an output and its rejects file from pieces, in order: the parts of a run, or the outputs of shards. */
import { rm } from "node:fs/promises";
import * as v from "valibot";
import { InterruptedError, OptionError } from "../errors.js";
import { Draft } from "../files/draft.js";
import type { FileFacts } from "../files/facts.js";
import { type Embedding, jsonEmbeddings } from "../tags/embeddings.js";
import { packedEmbeddings, packedRows, type RowBlock } from "../tags/packed-rows.js";
import { csvRows, jsonRows, type RowFormat, type RowOptions } from "../tags/rows.js";
import { MANIFEST, type RunIdentity, type RunManifest } from "./formats.js";
import type { OutputFormat, RunPaths } from "./paths.js";

/** Rows of an output: bytes in its line format, or columns for a Parquet file. */
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

/** Content of the manifest that is not counted while the output is written. */
interface OutputKind {
  identity: RunIdentity;
  contents: string | null;
}

/**
 * The line format of a run's parts. Parquet is written at the end, because its row groups are larger than parts and its
 * footer comes last.
 */
export function lineFormat(format: OutputFormat, options: RowOptions): RowFormat {
  return { csv: csvRows, jsonl: jsonRows, parquet: packedRows }[format](options);
}

/** The same for embeddings. @throws OptionError for a CSV, whose cells hold no lists */
export function embeddingFormat(format: OutputFormat): RowFormat<Embedding> {
  if (format === "csv") throw new OptionError("Expected the output of embeddings to end in .parquet or .jsonl.");
  return format === "parquet" ? packedEmbeddings : jsonEmbeddings;
}

export function rowOptions({ model, settings }: Pick<RunIdentity, "model" | "settings">): RowOptions {
  const { probabilities, escapeFormulas, numFeatures } = settings;
  return { tags: model.tags, probabilities, escapeFormulas, embeddings: numFeatures };
}

/**
 * Writes output, rejects and manifest. They take their places when all three are on the disk: if it is full, older ones
 * stay as they are. The manifest goes first and comes last, so that none ever stands beside an output that it does not
 * describe. Throws InterruptedError on abort, and can be done again then.
 */
export async function writeOutput(
  paths: RunPaths,
  { identity, contents }: OutputKind,
  pieces: Iterable<Piece> | AsyncIterable<Piece>,
  signal?: AbortSignal,
): Promise<RunManifest> {
  const begun: { abandon(): Promise<void> }[] = [];
  const begin = async <D extends { abandon(): Promise<void> }>(draft: Promise<D>): Promise<D> => {
    begun.push(await draft);
    return draft;
  };
  try {
    const sink = await begin(openSink(paths.out, identity));
    const rejects = await begin(Draft.create(paths.rejects));
    const record = await begin(Draft.create(paths.manifest));
    const totals = await writePieces(pieces, sink, rejects, signal);
    const facts = { output: await sink.finish(), rejects: totals.rejected === 0 ? null : await rejects.finish() };
    // In the schema's order of keys: the bytes are the same if the identity was read back.
    const manifest = v.parse(MANIFEST, { ...identity, ...totals, ...facts, contents });
    await record.write(`${JSON.stringify(manifest, null, 2)}\n`);
    await record.finish();
    await rm(paths.manifest, { force: true });
    await (facts.rejects === null ? rm(paths.rejects, { force: true }) : rejects.publish());
    await sink.publish();
    await record.publish();
    return manifest;
  } finally {
    for (const draft of begun) await draft.abandon();
  }
}

async function writePieces(
  pieces: Iterable<Piece> | AsyncIterable<Piece>,
  sink: Sink,
  rejects: Draft,
  signal: AbortSignal | undefined,
): Promise<Pick<RunManifest, "tiles" | "predicted" | "rejected">> {
  const totals = { tiles: 0, predicted: 0, rejected: 0 };
  await sink.begin();
  for await (const piece of pieces) {
    totals.tiles += piece.tiles;
    totals.predicted += piece.predicted;
    totals.rejected += piece.rejected;
    await sink.append(stoppable(piece.rows(), signal));
    for await (const block of stoppable(piece.rejects(), signal)) await rejects.write(block);
  }
  return totals;
}

/** A file that gets rows. */
interface Sink {
  /** Writes what the file begins with. */
  begin(): Promise<void>;
  append(rows: AsyncIterable<Rows>): Promise<void>;
  /** Flushes everything to the disk. */
  finish(): Promise<FileFacts>;
  /** Puts the file in its place. */
  publish(): Promise<unknown>;
  /** Removes what was written; does nothing after `publish`. */
  abandon(): Promise<void>;
}

async function openSink(path: string, identity: RunIdentity): Promise<Sink> {
  const file = await Draft.create(path);
  return identity.settings.format === "parquet" ? await parquetSink(file, identity) : lineSink(file, identity);
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

async function parquetSink(file: Draft, identity: RunIdentity): Promise<Sink> {
  const { ParquetEncoder } = await import("../tags/parquet.js");
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

/** Throws InterruptedError on abort, because a piece may be a whole shard. */
async function* stoppable<T>(blocks: AsyncIterable<T>, signal: AbortSignal | undefined): AsyncGenerator<T> {
  for await (const block of blocks) {
    if (signal?.aborted) throw new InterruptedError();
    yield block;
  }
}
