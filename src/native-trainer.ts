/** The addon's trainer, typed: a plan in, an object that steps out. */

/** Of a convolution, applied to its result, or an operation of its own. `hard-sigmoid` is `low * x + high` between 0 and 1. */
export interface NativeActivation {
  kind: "clip" | "sigmoid" | "hard-sigmoid" | "hard-swish";
  low: number;
  high: number;
}

/**
 * A tensor as a matrix `[rows, taps * channels]`: sizes of rows, taps and channels, and their strides in the tensor. A convolution's
 * weight has its output channels as rows; a depthwise one's its taps.
 */
export interface NativeParameter {
  sizes: readonly [number, number, number];
  strides: readonly [number, number, number];
  trainable: boolean;
}

export interface NativeOperation {
  /**
   * A `convolution` of one tap is a Gemm on each pixel. The second input of `multiply` may be one pixel that multiplies all of the first.
   * `mean` is over pixels, `concat` of channels. `stored` is a map `[channels, height, width]` among the floats of value 0.
   */
  kind: "convolution" | "depthwise" | "activation" | "add" | "multiply" | "mean" | "concat" | "stored";
  /** Values. */
  inputs: readonly number[];
  output: number;
  /** Parameters. */
  weight?: number;
  bias?: number;
  /** Kernel height and width, strides down and across, padding above and left. @default all 1, no padding */
  window?: readonly [number, number, number, number, number, number];
  activation?: NativeActivation;
  /** Of `stored`: its first float. */
  offset?: number;
}

/** A network with a linear head. */
export interface NativePlan {
  /** The network sees `pixel[order[c]] * factor[c] + offset[c]`; undefined if tiles come as stored floats. */
  input: { order: readonly number[]; factor: readonly number[]; offset: readonly number[] } | undefined;
  /** Height, width and channels; value 0 is the tiles: pixels, which only convolutions may read, or 1, 1 and the number of stored floats. */
  values: readonly (readonly [number, number, number])[];
  /** Each has one user. The last two are the head's, weight `[tags, features]` and bias. */
  parameters: readonly NativeParameter[];
  /** In an order in which they can run. */
  operations: readonly NativeOperation[];
  /** A value of one pixel. */
  features: number;
  numTags: number;
  /** Tiles of a step, at most. */
  batchSize: number;
}

export interface NativeRates {
  backbone: number;
  head: number;
  weightDecay: number;
  /** 1 for the first. */
  step: number;
}

/** One array per parameter of the plan, in its tensor's layout; undefined for one that is not wanted. */
type Arrays = readonly (Float32Array | undefined)[];

/** Which of a parameter's arrays: its values, or AdamW's first or second moment. */
export type NativePart = 0 | 1 | 2;

/**
 * All memory is taken when it is made; results are the same bits whatever the number of threads. Calls run off the main
 * thread, one at a time; until one's promise settles, its arrays must not be touched.
 */
export interface NativeTrainer {
  /** "plain", "portable", "avx2" or "avx512". */
  readonly kernels: string;
  /** Memory in all, and for each tile that is under way. */
  readonly bytes: number;
  readonly bytesPerTile: number;
  /** The mean loss before the update. If it is not finite, nothing is updated. */
  step(
    tiles: Uint8Array | Float32Array,
    count: number,
    targets: Float32Array,
    dropout: Float32Array | undefined,
    rates: NativeRates,
  ): Promise<number>;
  /** The mean loss and, in `arrays`, its gradient. */
  gradient(
    tiles: Uint8Array | Float32Array,
    count: number,
    targets: Float32Array,
    dropout: Float32Array | undefined,
    arrays: Arrays,
  ): Promise<number>;
  /** Writes `[count, numTags]` into `out`. */
  logits(tiles: Uint8Array | Float32Array, count: number, out: Float32Array): Promise<void>;
  read(part: NativePart, arrays: Arrays): Promise<void>;
  /** The trainer begins with zeros everywhere. */
  write(part: NativePart, arrays: Arrays): Promise<void>;
  /** Frees its memory, once calls under way have ended. */
  close(): void;
}

export interface NativeTraining {
  /** Throws for a plan that is not consistent. `kernels` is for tests. @default the fastest kernels that CANOPY_SIMD allows */
  createTrainer(plan: NativePlan, threads: number, kernels?: string): NativeTrainer;
}
