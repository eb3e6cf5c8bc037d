/** Bytes that are read by their place: those of a file, or of a compressed one as if it were unpacked. */

export interface ByteSource {
  /**
   * Fills `target` from `position`; returns how many bytes there were. Fewer than asked for come only at the end, and
   * before a place that cannot be unpacked, where reading throws.
   */
  read(target: Uint8Array, position: number): Promise<number>;
  /** `bytes`, or the size if that is less. A compressed file is not unpacked further than this needs. */
  extent(bytes: number): Promise<number>;
  close(): Promise<void>;
}
