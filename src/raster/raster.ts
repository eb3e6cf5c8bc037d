/** A raster: bands of samples that are read by windows, without any meaning as colours. */

/** Samples of one type, as the file has them; 64-bit integers as the nearest doubles, 16-bit floats as 32-bit ones. */
export type Samples =
  | Uint8Array
  | Int8Array
  | Uint16Array
  | Int16Array
  | Uint32Array
  | Int32Array
  | Float32Array
  | Float64Array;

export interface RasterInfo {
  width: number;
  height: number;
  /** Samples of a pixel. */
  bands: number;
  /** How many of them, at the end, are alpha. */
  alphaBands: number;
  kind: "uint" | "int" | "float" | "complex";
  /** Of a sample. */
  bits: number;
  /** PhotometricInterpretation, tag 262. */
  photometric: number;
  /** Compression, tag 259. */
  compression: number;
  /** Whether each band has blocks of its own. */
  planar: boolean;
  /** Blocks are tiles or, of the full width, strips. The last ones may reach beyond the raster. */
  tiled: boolean;
  blockWidth: number;
  blockHeight: number;
  /** GDAL's tag: samples of this value are missing. */
  nodata: number | undefined;
  /** Tag 274: 1 is upright. */
  orientation: number;
}

/** In pixels from the upper left corner. */
export interface Window {
  x: number;
  y: number;
  width: number;
  height: number;
}

export interface Raster {
  info: RasterInfo;
  /** False if a block reaches beyond the end of the source. */
  whole: boolean;
  /**
   * Samples `[height, width]` of each of `bands`, which count from 0. A window that follows the blocks decodes none twice.
   * @throws RasterError
   */
  read(bands: readonly number[], window: Window): Promise<Samples[]>;
  /** Colours of a palette, `[3, 2 ** bits]` of 16 bits; undefined if there is none. */
  palette: readonly number[] | undefined;
}

/** Where the bytes of a raster come from. */
export interface RasterSource {
  byteLength: number;
  /** Fewer bytes than `length` if the source ends. */
  read(offset: number, length: number): Promise<Uint8Array>;
}

export class RasterError extends Error {
  readonly code: "FORMAT" | "CORRUPT" | "TRUNCATED" | "LIMIT";
  constructor(code: RasterError["code"], message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** "uint16", "float32" */
export function sampleType({ kind, bits }: Pick<RasterInfo, "kind" | "bits">): string {
  return `${kind}${bits}`;
}
