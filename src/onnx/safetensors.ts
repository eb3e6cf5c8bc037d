/**
 * The safetensors format: an 8-byte little-endian header length, a JSON header, then the tensors' bytes.
 * What comes in is checked against itself before any tensor is made: lengths, offsets, overlaps, names.
 */
import { FormatError } from "../errors.js";
import {
  bytesPerElement,
  type ElementType,
  elementCount,
  type Tensor,
  tensorBytes,
  tensorFromBytes,
} from "./tensor.js";

export interface SafetensorsFile {
  tensors: Map<string, Tensor>;
  metadata: Record<string, string>;
}

interface Entry {
  dtype: string;
  shape: number[];
  data_offsets: [number, number];
}

const DTYPES: Record<ElementType, string> = {
  float32: "F32",
  float16: "F16",
  uint8: "U8",
  int8: "I8",
  int32: "I32",
  int64: "I64",
  bool: "BOOL",
};

/** Largest header read: 100 MB, the format's own limit. */
const MAX_HEADER_BYTES = 100_000_000;

/** Bytes of a safetensors file holding `tensors` in the order of the map; the header is padded so that data starts 8-aligned. */
export function encodeSafetensors(
  tensors: ReadonlyMap<string, Tensor>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array {
  const header: Record<string, unknown> = Object.keys(metadata).length > 0 ? { __metadata__: metadata } : {};
  let end = 0;
  for (const [name, tensor] of tensors) {
    const start = end;
    end += tensor.data.byteLength;
    header[name] = { dtype: DTYPES[tensor.type], shape: tensor.dims, data_offsets: [start, end] };
  }
  const json = padTo8(new TextEncoder().encode(JSON.stringify(header)));
  const file = new Uint8Array(8 + json.length + end);
  new DataView(file.buffer).setBigUint64(0, BigInt(json.length), true);
  file.set(json, 8);
  let offset = 8 + json.length;
  for (const tensor of tensors.values()) {
    file.set(tensorBytes(tensor), offset);
    offset += tensor.data.byteLength;
  }
  return file;
}

/**
 * Reads a safetensors file from `bytes`; tensors are views of it where aligned. `path` is for messages.
 * Throws a FormatError for anything truncated, overlapping, of unknown type or otherwise inconsistent.
 */
export function decodeSafetensors(bytes: Uint8Array, path: string): SafetensorsFile {
  const { header, dataStart } = readHeader(bytes, path);
  const data = bytes.subarray(dataStart);
  const { __metadata__: metadata = {}, ...entries } = header;
  const tensors = new Map<string, Tensor>();
  let covered = 0;
  for (const [name, value] of Object.entries(entries).sort(byOffset)) {
    const { type, shape, start, end } = checkEntry(name, value, path);
    if (start !== covered || end > data.length) {
      throw broken(
        path,
        `tensor "${name}" claims bytes ${start} to ${end}, where ${covered} of ${data.length} are read`,
      );
    }
    tensors.set(name, tensorFromBytes(type, shape, data.subarray(start, end)));
    covered = end;
  }
  if (covered !== data.length) {
    throw broken(path, `its tensors cover ${covered} bytes and the file holds ${data.length}`);
  }
  return { tensors, metadata: checkMetadata(metadata, path) };
}

function padTo8(json: Uint8Array): Uint8Array {
  const padded = new Uint8Array(Math.ceil(json.length / 8) * 8).fill(0x20);
  padded.set(json);
  return padded;
}

function readHeader(bytes: Uint8Array, path: string): { header: Record<string, unknown>; dataStart: number } {
  if (bytes.length < 8) throw broken(path, `it has ${bytes.length} bytes`);
  const length = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true);
  if (length > BigInt(Math.min(MAX_HEADER_BYTES, bytes.length - 8))) {
    throw broken(path, `its header claims ${length} bytes of ${bytes.length}`);
  }
  const dataStart = 8 + Number(length);
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes.subarray(8, dataStart));
    const header: unknown = JSON.parse(text);
    if (isRecord(header)) return { header, dataStart };
  } catch (cause) {
    throw broken(path, "its header is not JSON", cause);
  }
  throw broken(path, "its header is not a JSON object");
}

function byOffset([, a]: [string, unknown], [, b]: [string, unknown]): number {
  return startOf(a) - startOf(b);
}

function startOf(entry: unknown): number {
  return isRecord(entry) && Array.isArray(entry["data_offsets"]) ? Number(entry["data_offsets"][0]) : -1;
}

function checkEntry(
  name: string,
  value: unknown,
  path: string,
): { type: ElementType; shape: number[]; start: number; end: number } {
  const { dtype, shape, data_offsets: offsets } = (isRecord(value) ? value : {}) as Partial<Entry>;
  const type = (Object.keys(DTYPES) as ElementType[]).find((key) => DTYPES[key] === dtype);
  if (type === undefined) throw broken(path, `tensor "${name}" has the type ${JSON.stringify(dtype)}`);
  if (!isCounts(shape) || !isCounts(offsets) || offsets.length !== 2) {
    throw broken(path, `tensor "${name}" has no valid shape and offsets`);
  }
  const [start, end] = offsets;
  if (end - start !== elementCount(shape) * bytesPerElement(type)) {
    throw broken(path, `tensor "${name}" of shape [${shape.join(", ")}] has ${end - start} bytes`);
  }
  return { type, shape, start, end };
}

function checkMetadata(metadata: unknown, path: string): Record<string, string> {
  if (!isRecord(metadata) || !Object.values(metadata).every((value) => typeof value === "string")) {
    throw broken(path, "its metadata is not a map of strings");
  }
  return metadata as Record<string, string>;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isCounts(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((count) => Number.isSafeInteger(count) && count >= 0);
}

function broken(path: string, why: string, cause?: unknown): FormatError {
  return new FormatError(path, `${path} is not a valid safetensors file: ${why}.`, { cause });
}
