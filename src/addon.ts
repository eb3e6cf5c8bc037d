/** The native addon: its typed declaration, and the one place that loads it. */
import { isMainThread } from "node:worker_threads";
import { type AddonSearch, findAddon } from "./addon-file.js";
import type { NativeTraining } from "./native-trainer.js";

/** Where one tile's bytes are; see tiles/tile.ts. */
export interface NativeTile {
  path: string;
  offset?: number;
  byteLength?: number;
  /** Such a tile is read and inflated before the addon sees it. */
  inflatedLength?: number;
}

export interface NativeDecodeOptions {
  size: number;
  colorspace: "auto" | "rgb" | "ycbcr" | "cmyk" | "cmyk-inverted" | "gray";
  antialias: boolean;
  maxPixels: number;
  acceptTruncated: boolean;
}

/** `FOREIGN` marks bytes that do not begin like a JPEG: src/decode/sharp.ts reads them, or says what they are. */
export interface NativeFailure {
  code: "READ" | "EMPTY" | "FORMAT" | "CORRUPT" | "TRUNCATED" | "LIMIT" | "COLORSPACE" | "OUT_OF_MEMORY" | "FOREIGN";
  message: string;
}

/** Facts about a JPEG's colours from its header and data. */
export interface JpegInfo {
  width: number;
  height: number;
  components: number;
  progressive: boolean;
  /** Adobe APP14 transform (0, 1 or 2), or -1 if the marker is absent. */
  adobeTransform: number;
  jfif: boolean;
  icc: boolean;
  /** Sampling factors as "1x1,1x1,..." in component order. */
  sampling: string;
  /** The reading that `auto` chooses: see docs/colour.md. */
  reading: "gray" | "ycbcr" | "rgb" | "rgb+constant-alpha" | "cmyk" | "cmyk-inverted" | "ycck";
}

/** Features as the head's kernels take them; with `mean` and `scale` each is read as `(x - mean) * scale`. */
export interface NativeFeatures {
  /** `[rows, numFeatures]` */
  data: Float32Array;
  rows: number;
  numFeatures: number;
  mean?: Float32Array;
  scale?: Float32Array;
}

/** Weights and optimiser state, changed in place. A moment is weight `[numFeatures, numTags]`, then bias `[numTags]`. */
interface NativeHeadState {
  weight: Float32Array;
  bias: Float32Array;
  moments: Float32Array[];
  iterations: number;
}

/** Meaning and defaults in head/config.ts. */
interface NativeStepSettings {
  optimizer: "rmsprop" | "adam" | "sgd";
  numTags: number;
  batchSize: number;
  learningRate: number;
  momentum: number;
  rho: number;
  beta1: number;
  beta2: number;
  epsilon: number;
  nesterov: boolean;
}

/** Sums over the rows seen: loss (mean over tags), right cells, samples' F2 at 0.5; and the steps done so far. */
interface NativeEpochSums {
  loss: number;
  correct: number;
  f2: number;
  iterations: number;
}

/**
 * The head's kernels. All run off the main thread; until the promise settles, arrays given must not be written to, nor
 * those they fill read, and no array's buffer may be transferred or resized. Misuse is a TypeError or RangeError,
 * thrown at once. There are at most as many threads as cores, or as many as the system allows; sums do not depend on
 * their number.
 */
interface NativeHead {
  /** "fma", "neon" or "plain": the kernels this CPU runs. */
  readonly headSimd: string;
  /** One optimiser step per `batchSize` rows of `order`. */
  trainSteps(
    state: NativeHeadState,
    features: NativeFeatures,
    labels: Uint8Array,
    order: Uint32Array,
    settings: NativeStepSettings,
  ): Promise<NativeEpochSums>;
  /** Writes `features x weight + bias` into `out` `[rows, numTags]`. */
  headLogits(
    head: { weight: Float32Array; bias: Float32Array; numTags: number },
    features: NativeFeatures,
    threads: number,
    out: Float32Array,
  ): Promise<void>;
  /** Writes the lower triangle of the rows' inner products into `out` `[rows, rows]`; what is above the diagonal is not defined. */
  headGram(features: NativeFeatures, threads: number, out: Float64Array): Promise<void>;
  /**
   * Mean cross-entropy and its gradient for many one-tag logistic regressions over the same features. `problems` holds pairs (tag, fold
   * to leave out or -1); `weights` and `gradients` are `[problems, numFeatures + 1]`, bias last; `losses` is `[problems]`.
   */
  evaluateProblems(
    features: NativeFeatures,
    targets: { labels: Uint8Array; numTags: number; folds?: Uint8Array },
    problems: Int32Array,
    weights: Float32Array,
    threads: number,
    out: { losses: Float64Array; gradients: Float32Array },
  ): Promise<void>;
}

/**
 * What `benchStage` times: "read" (files to memory), "decode" (entropy decoding and inverse DCT), "color", "resize", "whole" (file to
 * resized RGB, as `decodeFiles` does), or "ceiling": libjpeg-turbo alone on bytes in memory, as an ordinary program calls it.
 */
export type BenchStage = "read" | "decode" | "color" | "resize" | "whole" | "ceiling";

/**
 * No argument from JavaScript ends the process: misuse is a TypeError or RangeError. If memory runs out, that is an
 * Error with the `code` OUT_OF_MEMORY, or the failure of the tile that needed it.
 */
export interface NativeAddon extends NativeHead, NativeTraining {
  /** libjpeg-turbo's version, for example "2.1.5". */
  readonly jpegVersion: string;
  /**
   * Instruction set chosen at run time for decoding, colour and resize: "avx512", "avx2", "sse4", "neon" or "scalar".
   * The environment variable CANOPY_SIMD chooses a lower one by name; all give the same pixels.
   */
  readonly simd: string;
  /** Changes whenever the pixels the decoder produces may change; part of every feature cache key. */
  readonly decoderVersion: number;

  /** Sets ORT_DISABLE_TELEMETRY=1 in the environment of the process, which JavaScript can only do in the main thread. */
  disableTelemetry(): void;
  /**
   * Reads, decodes, colours and resizes `tiles[i]` into `target[i * size * size * 3 ...]` (uint8 RGB HWC). Synchronous,
   * never throws for a bad tile. Returns `undefined` if all went well, else an array with one entry per tile,
   * `undefined` if that tile was decoded. `windows` is `[tiles, 4]`, see decode/window.ts.
   */
  decodeFiles(
    tiles: readonly NativeTile[],
    target: Uint8Array,
    options: NativeDecodeOptions,
    windows?: Float64Array,
  ): (NativeFailure | undefined)[] | undefined;
  /** The same for bytes in memory. */
  decodeBytes(
    bytes: Uint8Array,
    target: Uint8Array,
    options: NativeDecodeOptions,
    window?: Float64Array,
  ): NativeFailure | undefined;
  /** Full-resolution RGB of a JPEG, or a failure. */
  decodeFull(
    bytes: Uint8Array,
    options: NativeDecodeOptions,
  ): { width: number; height: number; pixels: Uint8Array; info: JpegInfo } | NativeFailure;
  /** Header facts and the detected colour reading (reads the data if the header does not decide). */
  inspectJpeg(bytes: Uint8Array, options: NativeDecodeOptions): JpegInfo | NativeFailure;
  /** Resizes uint8 RGB HWC `[height, width, 3]` into `[size, size, 3]`, the same kernel decoding uses. */
  resizeRgb(
    pixels: Uint8Array,
    width: number,
    height: number,
    target: Uint8Array,
    size: number,
    antialias: boolean,
  ): void;
  /**
   * Encodes RGBA HWC as Planet does, with a `quality` of 1 to 100: baseline, four 1x1-sampled components with ids 0..3,
   * no transform and no JFIF, Adobe, ICC or EXIF marker. The caller adds bytes after EOI.
   */
  encodePlanetJpeg(rgba: Uint8Array, width: number, height: number, quality: number): Uint8Array;
  /**
   * An ArrayBuffer over the same memory as `shared` (a view of a SharedArrayBuffer), which ONNX Runtime accepts on Node 20. It keeps the
   * SharedArrayBuffer alive.
   */
  aliasShared(shared: Uint8Array): ArrayBuffer;
  /** From now on freed blocks of 1 MiB and more go back to the system at once, in all threads (glibc; elsewhere the allocator decides). */
  returnFreedMemory(): void;
  /**
   * Applies element `k` (0..7) of the dihedral group to each `[size, size, 3]` tile of `source`, into `target`: with `k & 4` mirrored left
   * to right first, then turned `k & 3` quarter turns counter-clockwise. The two must not overlap.
   */
  dihedral(source: Uint8Array, target: Uint8Array, count: number, size: number, k: number): void;
  /** Turns and lights `count` tiles in place; `looks` is `[count, 3]`, see decode/alter.ts. */
  alterTiles(tiles: Uint8Array, count: number, size: number, looks: Int32Array): void;
  /**
   * Seconds one stage takes over all `tiles`, on this thread, once through. Reading is not part of the times of "decode", "color",
   * "resize" and "ceiling". Throws an Error on the first tile that fails: pick tiles that decode.
   */
  benchStage(stage: BenchStage, tiles: readonly NativeTile[], options: NativeDecodeOptions): number;
}

/** Values of CANOPY_SIMD. */
const SIMD_LEVELS = process.arch === "arm64" ? ["scalar", "neon"] : ["scalar", "sse4", "avx2", "avx512"];

let search: AddonSearch<NativeAddon> | undefined;

/** The addon, or undefined if there is none (canopy then decodes through sharp) or `CANOPY_NO_ADDON=1` is set. */
export function loadAddon(): NativeAddon | undefined {
  const found = searchAddon();
  return "addon" in found ? found.addon : undefined;
}

/** The same with where it was found, or why there is none. */
export function searchAddon(): AddonSearch<NativeAddon> {
  if (search !== undefined) return search;
  if (isMainThread) tellUnknownSimd((message) => process.emitWarning(message));
  search = process.env["CANOPY_NO_ADDON"] === "1" ? { reason: "CANOPY_NO_ADDON=1 is set" } : findAddon();
  return search;
}

let isSimdTold = false;

/** Warns once of a CANOPY_SIMD that is not known: the addon ignores it and uses the fastest kernels. */
export function tellUnknownSimd(warn: (message: string) => void): void {
  const level = process.env["CANOPY_SIMD"];
  if (isSimdTold || level === undefined || level === "" || SIMD_LEVELS.includes(level)) return;
  isSimdTold = true;
  warn(`Expected CANOPY_SIMD to be one of ${SIMD_LEVELS.join(", ")}, got "${level}": it is ignored.`);
}
