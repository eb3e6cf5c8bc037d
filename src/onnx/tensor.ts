/** Tensors as plain data, for ONNX files and safetensors files. */

/** Element types canopy handles; float16 values are kept as their 16 bits. */
export type ElementType = "float32" | "float64" | "float16" | "uint8" | "int8" | "int32" | "int64" | "bool";

export type TensorData =
  | Float32Array
  | Float64Array
  | Uint16Array
  | Uint8Array
  | Int8Array
  | Int32Array
  | BigInt64Array;

/** Row-major values of `dims`; a scalar has `dims` []. */
export interface Tensor {
  type: ElementType;
  dims: readonly number[];
  data: TensorData;
}

const VIEWS = {
  float32: Float32Array,
  float64: Float64Array,
  float16: Uint16Array,
  uint8: Uint8Array,
  int8: Int8Array,
  int32: Int32Array,
  int64: BigInt64Array,
  bool: Uint8Array,
} as const;

/** A float32 tensor over `data`. */
export function float32(dims: readonly number[], data: Float32Array | readonly number[]): Tensor {
  return checkTensor({
    type: "float32",
    dims,
    data: Array.isArray(data) ? Float32Array.from(data) : (data as Float32Array),
  });
}

/** An int64 tensor: shapes, axes and indices. */
export function int64(dims: readonly number[], values: readonly number[]): Tensor {
  return checkTensor({ type: "int64", dims, data: BigInt64Array.from(values, BigInt) });
}

/** A bool scalar. */
export function bool(value: boolean): Tensor {
  return checkTensor({ type: "bool", dims: [], data: Uint8Array.of(value ? 1 : 0) });
}

/** Number of elements of `dims`. */
export function elementCount(dims: readonly number[]): number {
  return dims.reduce((count, dim) => count * dim, 1);
}

/** Bytes per element of `type`. */
export function bytesPerElement(type: ElementType): number {
  return VIEWS[type].BYTES_PER_ELEMENT;
}

/** `tensor` itself, after checking that its data has the type and length its dims ask for; else a RangeError. */
export function checkTensor(tensor: Tensor): Tensor {
  const { type, dims, data } = tensor;
  // By name: if a test runner has realms of its own, arrays of another realm are no instances of this realm's classes.
  if (data[Symbol.toStringTag] !== VIEWS[type].name || data.length !== elementCount(dims)) {
    throw new RangeError(
      `Expected a ${type} tensor [${dims.join(", ")}] to hold ${elementCount(dims)} values, got ${data.length} in a ${data.constructor.name}.`,
    );
  }
  return tensor;
}

/** The little-endian bytes of `tensor`'s data, over the same memory. */
export function tensorBytes(tensor: Tensor): Uint8Array {
  return new Uint8Array(tensor.data.buffer, tensor.data.byteOffset, tensor.data.byteLength);
}

/** A tensor from little-endian `bytes`; copies only if they are not aligned for their type. */
export function tensorFromBytes(type: ElementType, dims: readonly number[], bytes: Uint8Array): Tensor {
  const size = bytesPerElement(type);
  if (bytes.byteLength !== elementCount(dims) * size) {
    throw new RangeError(
      `Expected ${elementCount(dims) * size} bytes for a ${type} tensor [${dims.join(", ")}], got ${bytes.byteLength}.`,
    );
  }
  // Not slice(): on a Buffer that is a view, not a copy.
  const aligned = bytes.byteOffset % size === 0 ? bytes : new Uint8Array(bytes);
  return {
    type,
    dims,
    data: new VIEWS[type](aligned.buffer as ArrayBuffer, aligned.byteOffset, aligned.byteLength / size),
  };
}
