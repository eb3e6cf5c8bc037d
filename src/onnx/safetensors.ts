/**
 * The safetensors format: an 8-byte little-endian header length, a JSON header, then the tensors' bytes. A file is
 * checked for consistency before any tensor is made: lengths, offsets, overlaps, names.
 */
import * as v from "valibot";
import { FormatError } from "../errors.js";
import { parseJson } from "../files/read-json.js";
import { count, text } from "../files/schemas.js";
import {
  bytesPerElement,
  type ElementType,
  elementCount,
  type Tensor,
  tensorBytes,
  tensorFromBytes,
} from "./tensor.js";

interface SafetensorsFile {
  tensors: Map<string, Tensor>;
  metadata: Record<string, string>;
}

const entrySchema = v.object({
  dtype: text,
  shape: v.array(count),
  data_offsets: v.strictTuple([count, count]),
});
type Entry = v.InferOutput<typeof entrySchema>;

const METADATA = "__metadata__";
/** By tensor; `__metadata__` is free-form. */
const headerSchema = v.objectWithRest({ [METADATA]: v.optional(v.record(v.string(), v.string()), {}) }, entrySchema);
type Header = v.InferOutput<typeof headerSchema>;

const DTYPES: Record<ElementType, string> = {
  float32: "F32",
  float64: "F64",
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
  const { [METADATA]: metadata, ...entries } = header;
  const tensors = new Map<string, Tensor>();
  let covered = 0;
  for (const [name, value] of Object.entries(entries).sort(byOffset)) {
    const { type, start, end } = checkEntry(name, value, path);
    if (start !== covered || end > data.length) {
      throw broken(
        path,
        `tensor "${name}" claims bytes ${start} to ${end}, where ${covered} of ${data.length} are read`,
      );
    }
    tensors.set(name, tensorFromBytes(type, value.shape, data.subarray(start, end)));
    covered = end;
  }
  if (covered !== data.length) {
    throw broken(path, `its tensors cover ${covered} bytes and the file holds ${data.length}`);
  }
  return { tensors, metadata };
}

function padTo8(json: Uint8Array): Uint8Array {
  const padded = new Uint8Array(Math.ceil(json.length / 8) * 8).fill(0x20);
  padded.set(json);
  return padded;
}

function readHeader(bytes: Uint8Array, path: string): { header: Header; dataStart: number } {
  if (bytes.length < 8) throw broken(path, `it has ${bytes.length} bytes`);
  const length = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true);
  if (length > BigInt(Math.min(MAX_HEADER_BYTES, bytes.length - 8))) {
    throw broken(path, `its header claims ${length} bytes of ${bytes.length}`);
  }
  const dataStart = 8 + Number(length);
  let json: string;
  try {
    json = new TextDecoder("utf-8", { fatal: true }).decode(bytes.subarray(8, dataStart));
  } catch (cause) {
    throw broken(path, "its header is not UTF-8", cause);
  }
  if (!json.startsWith("{")) throw broken(path, "its header does not begin with a brace");
  const header = parseJson(json, headerSchema, { path, place: "its safetensors header" });
  return { header, dataStart };
}

function byOffset([, a]: [string, Entry], [, b]: [string, Entry]): number {
  // Empty tensors come first of those that begin at one place.
  return a.data_offsets[0] - b.data_offsets[0] || a.data_offsets[1] - b.data_offsets[1];
}

function checkEntry(
  name: string,
  { dtype, shape, data_offsets: [start, end] }: Entry,
  path: string,
): { type: ElementType; start: number; end: number } {
  const type = (Object.keys(DTYPES) as ElementType[]).find((key) => DTYPES[key] === dtype);
  if (type === undefined) throw broken(path, `tensor "${name}" has the type ${JSON.stringify(dtype)}`);
  if (end - start !== elementCount(shape) * bytesPerElement(type)) {
    throw broken(path, `tensor "${name}" of shape [${shape.join(", ")}] has ${end - start} bytes`);
  }
  return { type, start, end };
}

function broken(path: string, why: string, cause?: unknown): FormatError {
  return new FormatError(path, `${path} is not a valid safetensors file: ${why}.`, { cause });
}
