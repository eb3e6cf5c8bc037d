/** Tiles of compressed archives and of servers: no worker can read them by their place, so they come with their bytes. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Draft } from "../files/draft.js";
import { mapInFlight } from "../in-flight.js";
import { isRemote } from "../remote/address.js";
import { RemoteError } from "../remote/request-error.js";
import type { RunContext } from "../run-context.js";
import type { ByteSource } from "./byte-source.js";
import { isCompressed } from "./names.js";
import { openSource, openStored } from "./open-source.js";
import { StreamSource } from "./stream-source.js";
import type { Tile, TileFailure } from "./tile.js";
import { CompressionError, unpackedBlocks } from "./unpack.js";

/** Bytes of tiles that are in memory at a time, but for a single larger one. */
const PIECE_BYTES = 16 << 20;
/** Archives that are unpacked at a time: a batch may end in another one than it began in. */
const MOST_STREAMS = 2;
/** No tile is larger; see `decode/bytes.ts`. */
const MOST_BYTES = 256 << 20;
/** Files of servers that are asked for at a time. */
const MOST_REQUESTS = 8;

/** Whether a worker needs the tile's bytes, because it cannot read them itself. */
export function needsLoading({ path, offset, content, failure }: Tile): boolean {
  if (content !== undefined || failure !== undefined) return false;
  return isRemote(path) || (offset !== undefined && isCompressed(path));
}

/** Whether the tile is a file of a server, not a member of an archive there. */
function isRemoteFile({ path, offset }: Tile): boolean {
  return offset === undefined && isRemote(path);
}

/**
 * Unpacks archives as a stream as long as their tiles are asked for in their order. One whose tiles are asked for in
 * another order is unpacked into a temporary file once.
 */
export class CompressedTiles {
  readonly #context: Pick<RunContext, "signal" | "onNotice">;
  readonly #sources = new Map<string, ByteSource>();
  #folder: string | undefined;
  #unpacked = 0;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(context: Pick<RunContext, "signal" | "onNotice"> = {}) {
    this.#context = context;
  }

  /** All `tiles`, those of compressed archives with their bytes, or with a `failure`. */
  async load(tiles: readonly Tile[]): Promise<readonly Tile[]> {
    if (!tiles.some(needsLoading)) return tiles;
    const loaded: Tile[] = [];
    for await (const piece of this.pieces(tiles)) loaded.push(...piece);
    return loaded;
  }

  /** The same, a few at a time. Tiles of more than `mostBytes` come with a `failure`. Callers wait for their turn. */
  async *pieces(tiles: readonly Tile[], mostBytes = MOST_BYTES): AsyncGenerator<Tile[]> {
    const before = this.#turn;
    let end = (): void => {};
    this.#turn = new Promise<void>((resolve) => {
      end = resolve;
    });
    try {
      await before;
      let piece: Tile[] = [];
      let bytes = 0;
      const load = async (tile: Tile) => (needsLoading(tile) ? this.#load(tile, mostBytes) : tile);
      // Members of an archive come one after the other anyway.
      const atOnce = tiles.every(isRemoteFile) ? MOST_REQUESTS : 1;
      for await (const tile of mapInFlight(tiles, atOnce, load)) {
        piece.push(tile);
        bytes += contentBytes(tile);
        if (bytes < PIECE_BYTES) continue;
        yield piece;
        [piece, bytes] = [[], 0];
      }
      if (piece.length > 0) yield piece;
    } finally {
      end();
    }
  }

  async #load(tile: Tile, mostBytes: number): Promise<Tile> {
    if (isRemoteFile(tile)) return loadRemote(tile, Math.min(mostBytes, MOST_BYTES), this.#context.signal);
    const { path, offset = 0, byteLength = 0 } = tile;
    if (byteLength > Math.min(mostBytes, MOST_BYTES)) return failed(tile, "LIMIT", tooLarge(byteLength, mostBytes));
    try {
      const bytes = Buffer.allocUnsafeSlow(byteLength);
      const source = await this.#sourceAt(path, offset);
      const read = await source.read(bytes, offset);
      if (read === byteLength) return { ...tile, content: { bytes } };
      await source.extent(offset + byteLength);
      return failed(tile, "READ", "The archive is shorter now");
    } catch (error) {
      if (error instanceof RemoteError && !error.isUnreachable)
        return failed(tile, "READ", `In the archive, ${error.reason}`);
      if (error instanceof CompressionError) return failed(tile, "FORMAT", `In the archive, ${error.message}`);
      const { code, syscall } = error as NodeJS.ErrnoException;
      if (syscall === undefined) throw error;
      return failed(tile, "READ", `Cannot read the archive (${code})`);
    }
  }

  async #sourceAt(path: string, offset: number): Promise<ByteSource> {
    const open = this.#sources.get(path);
    if (open instanceof StreamSource && open.isBehind(offset)) {
      await open.close();
      return this.#unpack(path);
    }
    if (open !== undefined) return open;
    const streams = [...this.#sources].filter(([, source]) => source instanceof StreamSource);
    if (streams.length >= MOST_STREAMS) {
      const [oldest, source] = streams[0];
      this.#sources.delete(oldest);
      await source.close();
    }
    const source = await openSource(path, this.#context.signal);
    this.#sources.set(path, source);
    return source;
  }

  /** Into a temporary file, from which tiles come in any order. */
  async #unpack(path: string): Promise<ByteSource> {
    this.#folder ??= await mkdtemp(join(tmpdir(), "canopy-unpacked-"));
    this.#context.onNotice?.(
      `${path} is unpacked to ${this.#folder} for now, because its tiles are not read in the order they have in it.`,
    );
    const target = join(this.#folder, `${this.#unpacked++}.tar`);
    await writeUnpacked(path, target, this.#context.signal);
    const source = await openSource(target);
    this.#sources.set(path, source);
    return source;
  }

  async close(): Promise<void> {
    await this.#turn;
    for (const source of this.#sources.values()) await source.close();
    this.#sources.clear();
    if (this.#folder !== undefined) await rm(this.#folder, { recursive: true, force: true });
  }
}

/** Writes what can be unpacked of `path`. */
async function writeUnpacked(path: string, target: string, signal: AbortSignal | undefined): Promise<void> {
  const file = await openStored(path, signal);
  const draft = await Draft.create(target);
  try {
    for await (const block of unpackedBlocks(file, signal)) await draft.write(block);
    await draft.publish();
  } catch (error) {
    if (error instanceof CompressionError) await draft.publish();
    else throw error;
  } finally {
    await draft.abandon();
    await file.close();
  }
}

/** A whole file of a server. If no server answers, that is not the tile's fault, and the run stops: throws a RemoteError. */
async function loadRemote(tile: Tile, mostBytes: number, signal: AbortSignal | undefined): Promise<Tile> {
  let source: ByteSource | undefined;
  try {
    source = await openSource(tile.path, signal);
    const size = await source.extent(mostBytes + 1);
    if (size > mostBytes) return failed(tile, "LIMIT", tooLarge(size, mostBytes));
    const bytes = Buffer.allocUnsafeSlow(size);
    return { ...tile, content: { bytes: bytes.subarray(0, await source.read(bytes, 0)) } };
  } catch (error) {
    if (error instanceof RemoteError && !error.isUnreachable) return failed(tile, "READ", capitalized(error.reason));
    throw error;
  } finally {
    await source?.close();
  }
}

function capitalized(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function contentBytes({ content }: Tile): number {
  return content !== undefined && "bytes" in content ? content.bytes.length : 0;
}

function tooLarge(byteLength: number, mostBytes: number): string {
  return byteLength > MOST_BYTES
    ? `File of ${byteLength} bytes exceeds the limit of ${MOST_BYTES} bytes`
    : `File exceeds the limit of ${mostBytes} bytes that the memory budget leaves for it`;
}

function failed(tile: Tile, code: TileFailure["code"], message: string): Tile {
  return { ...tile, failure: { code, message } };
}
