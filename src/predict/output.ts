/** Writing an output and its rejects file from pieces, in order: the parts of a run, or the outputs of shards. */
import { createHash, type Hash } from "node:crypto";
import { createReadStream } from "node:fs";
import { type FileHandle, open, rename, rm } from "node:fs/promises";
import { InterruptedError } from "../errors.js";
import { ParquetFile } from "../tags/parquet.js";
import { csvRows, jsonRows, parseJsonRow, type RowFormat, type RowOptions } from "../tags/rows.js";
import { linesOf } from "../tiles/lines.js";
import { explainDiskError, replaceDurably, syncFile, syncParent, writeDurably } from "./durable.js";
import type { RunIdentity } from "./identity.js";
import { exists, type OutputFormat, type RunPaths } from "./paths.js";

/** A stretch of an output. Both streams throw if what they read does not match its checksum. */
export interface Piece {
  tiles: number;
  predicted: number;
  rejected: number;
  /** Rows in the line format of the run, without a header. */
  rows(): AsyncIterable<Buffer>;
  /** Lines of the rejects file. */
  rejects(): AsyncIterable<Buffer>;
  /** Stamps of its tiles' files, where they are known. */
  stamps?: Uint32Array;
}

export interface FileFacts {
  bytes: number;
  sha256: string;
}

/** `<out>.manifest.json`: what an output holds and how it came to be. */
export interface RunManifest extends RunIdentity {
  tiles: number;
  predicted: number;
  rejected: number;
  output: FileFacts;
  /** Null where nothing was rejected and there is no such file. */
  rejects: FileFacts | null;
  /** SHA-256 over the stamps (see tiles/stamp.ts) of all tiles' files; null where shards were merged. */
  contents: string | null;
}

/** The line format of a run's parts. Parquet is put together from JSON lines at the end, as its footer can only be written then. */
export function lineFormat(format: OutputFormat, options: RowOptions): RowFormat {
  return format === "csv" ? csvRows(options) : jsonRows(options);
}

export function rowOptions({ model, settings }: Pick<RunIdentity, "model" | "settings">): RowOptions {
  return { tags: model.tags, probabilities: settings.probabilities };
}

/** Writes output, rejects and manifest; the output takes its place last, when all else is on disk. Can be done again if interrupted. */
export async function writeOutput(
  paths: RunPaths,
  identity: RunIdentity,
  pieces: Iterable<Piece> | AsyncIterable<Piece>,
  signal?: AbortSignal,
): Promise<RunManifest> {
  const draft = `${paths.out}.draft`;
  const sink = await openSink(draft, identity, signal);
  const rejects = createHash("sha256");
  const totals = { tiles: 0, predicted: 0, rejected: 0 };
  const contents = createHash("sha256");
  let stamped = 0;
  let rejectBytes = 0;
  try {
    await sink.append(toStream(sink.header));
    let output: FileFacts | undefined;
    await replaceDurably(paths.rejects, async (file) => {
      for await (const piece of pieces) {
        totals.tiles += piece.tiles;
        totals.predicted += piece.predicted;
        totals.rejected += piece.rejected;
        await sink.append(stoppable(piece.rows(), signal));
        rejectBytes += await copy(stoppable(piece.rejects(), signal), file, rejects);
        if (piece.stamps) contents.update(new Uint8Array(piece.stamps.buffer));
        stamped += piece.stamps?.length ?? 0;
      }
      output = await sink.finish();
    });
    const rejectFacts = totals.rejected === 0 ? null : { bytes: rejectBytes, sha256: rejects.digest("hex") };
    if (rejectFacts === null) await rm(paths.rejects, { force: true });
    const seen = stamped === totals.tiles ? contents.digest("hex") : null;
    const manifest = { ...identity, ...totals, output: output!, rejects: rejectFacts, contents: seen };
    await writeDurably(paths.manifest, `${JSON.stringify(manifest, null, 2)}\n`);
    await rename(draft, paths.out);
    await syncParent(paths.out);
    return manifest;
  } catch (error) {
    await sink.abandon();
    // Rejects say nothing without the output they go with.
    if (!(await exists(paths.out))) await rm(paths.rejects, { force: true });
    throw explainDiskError(error, paths.out);
  }
}

/** Where rows end up; one of finish and abandon is called at the end. */
interface Sink {
  /** What the file begins with. */
  header: string;
  append(rows: AsyncIterable<Buffer>): Promise<void>;
  /** Brings everything to the disk. */
  finish(): Promise<FileFacts>;
  /** Removes the file. */
  abandon(): Promise<void>;
}

async function openSink(path: string, identity: RunIdentity, signal: AbortSignal | undefined): Promise<Sink> {
  const options = rowOptions(identity);
  const { format } = identity.settings;
  return format === "parquet"
    ? parquetSink(path, options, identity, signal)
    : lineSink(path, lineFormat(format, options).header);
}

/** An output is flushed each time it has grown by this much. */
const FLUSH_BYTES = 64 << 20;

async function lineSink(path: string, header: string): Promise<Sink> {
  const file = await open(path, "w");
  const hash = createHash("sha256");
  let bytes = 0;
  let flushed = 0;
  return {
    header,
    append: async (rows) => {
      bytes += await copy(rows, file, hash);
      if (bytes - flushed < FLUSH_BYTES) return;
      // Bit by bit: a flush of everything at the end could take longer than an interrupt may.
      await file.datasync();
      flushed = bytes;
    },
    finish: async () => {
      await file.sync();
      await file.close();
      return { bytes, sha256: hash.digest("hex") };
    },
    abandon: async () => {
      await file.close().catch(() => {});
      await rm(path, { force: true });
    },
  };
}

async function parquetSink(
  path: string,
  options: RowOptions,
  { model }: RunIdentity,
  signal: AbortSignal | undefined,
): Promise<Sink> {
  const file = new ParquetFile(path, options, { canopy_model_sha256: model.sha256 });
  return {
    header: "",
    append: async (rows) => {
      for await (const line of linesOf(rows)) await file.append(parseJsonRow(line, options));
    },
    finish: async () => {
      await file.finish();
      await syncFile(path);
      return hashFile(path, signal);
    },
    abandon: () => rm(path, { force: true }),
  };
}

/** All of a file, piece by piece. */
export function readBlocks(path: string, start = 0): AsyncIterable<Buffer> {
  return createReadStream(path, { start, highWaterMark: 1 << 20 });
}

export async function* toStream(text: string): AsyncGenerator<Buffer> {
  if (text !== "") yield Buffer.from(text, "utf8");
}

/** Throws InterruptedError on abort. */
export async function hashFile(path: string, signal?: AbortSignal): Promise<FileFacts> {
  const hash = createHash("sha256");
  let bytes = 0;
  for await (const block of stoppable(readBlocks(path), signal)) {
    hash.update(block);
    bytes += block.length;
  }
  return { bytes, sha256: hash.digest("hex") };
}

/** Ends with InterruptedError on abort: a piece may be a whole shard. */
async function* stoppable(blocks: AsyncIterable<Buffer>, signal: AbortSignal | undefined): AsyncGenerator<Buffer> {
  for await (const block of blocks) {
    if (signal?.aborted) throw new InterruptedError();
    yield block;
  }
}

async function copy(from: AsyncIterable<Buffer>, to: FileHandle, hash: Hash): Promise<number> {
  let bytes = 0;
  for await (const block of from) {
    await to.write(block);
    hash.update(block);
    bytes += block.length;
  }
  return bytes;
}
