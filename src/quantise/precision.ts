/** What a backbone computes with. */

/** "fp32": 32-bit floats. "int8": 8-bit integers, see quantise. "fp16": 16-bit floats on a GPU, see inHalves. */
export const PRECISIONS = ["fp32", "int8", "fp16"] as const;
export type Precision = (typeof PRECISIONS)[number];

/**
 * How a file says that it computes with 8-bit integers. "pairs": QuantizeLinear and DequantizeLinear, of which ONNX
 * Runtime makes integer kernels. "whole": whole numbers in floats, for processors whose integer kernels are no use.
 */
export type IntegerForm = "pairs" | "whole";

/** Raise it if the same ranges give another network: features then are others. */
export const QUANTISER_VERSION = 2;
/** The same for half precision. */
export const HALVES_VERSION = 1;
