/** What a tile is, before anything is decoded. */

/** A tile: a whole file, or the bytes `[offset, offset + byteLength)` of an archive. */
export interface Tile {
  /** File name without folder and extension: what labels and Kaggle submissions call it. */
  name: string;
  /** The file that holds the tile's bytes: the tile itself, or the archive it is a member of. */
  path: string;
  /** First byte inside `path`. @default 0 */
  offset?: number;
  /** Number of bytes from `offset`; absent: to the end of the file. */
  byteLength?: number;
  /** Number of bytes that those in the archive inflate to; absent if they are stored uncompressed. */
  inflatedLength?: number;
  /** Member name inside the archive, for messages and cache keys; absent for plain files. */
  member?: string;
  /** The tile itself, if it is in memory; `path` is then only a name. */
  content?: TileContent;
  /**
   * Why the tile is known to be bad before anything is decoded; its `byteLength` is then 0, so that it is not decoded.
   */
  failure?: TileFailure;
}

/** A tile in memory: the bytes of a picture's file, or its pixels. */
export type TileContent = EncodedTile | RawTile;

export interface EncodedTile {
  bytes: Uint8Array;
}

export interface RawTile {
  /** `[height, width, channels]` uint8 */
  pixels: Uint8Array;
  width: number;
  height: number;
  /** 1 is gray; of 4 the last, alpha, is dropped. */
  channels: 1 | 3 | 4;
}

/** A failure that was found while listing: a folder without permission, a damaged archive, a known crasher. */
export interface TileFailure {
  code: "READ" | "FORMAT" | "LIMIT" | "CRASH";
  /** One sentence, without the file's name. */
  message: string;
}

/** Tiles as a stream, in a deterministic order; may be consumed once. */
export type TileSource = AsyncIterable<Tile>;

/** A source whose tiles may also come several at a time: a step of a stream is a promise, which costs more than passing a tile on. */
export type TileFeed = AsyncIterable<Tile | readonly Tile[]>;

/** Where a tile is, for messages: its path, or `archive.tar#member`. */
export function tileLocation(tile: Tile): string {
  return tile.member === undefined ? tile.path : `${tile.path}#${tile.member}`;
}
