import assert from "node:assert/strict";
import { test } from "node:test";
import { FormatError } from "../../src/errors.js";
import { decodeSafetensors, encodeSafetensors } from "../../src/onnx/safetensors.js";
import { float32, type Tensor } from "../../src/onnx/tensor.js";
import { assertRefused } from "../damaged-json.js";

const sample = new Map<string, Tensor>([
  ["scale", { type: "int8", dims: [3], data: Int8Array.of(-1, 0, 1) }],
  ["weight", float32([2, 2], [1, 2, 3, 4.5])],
  ["empty", float32([0, 4], [])],
]);

/** A file with the given header text and `dataBytes` bytes of data. */
function fileOf(header: string, dataBytes: number): Uint8Array {
  const json = Buffer.from(header);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  return Buffer.concat([length, json, Buffer.alloc(dataBytes)]);
}

test("tensors and metadata come back as they were written, from any alignment", () => {
  const bytes = encodeSafetensors(sample, { tags: "clear" });
  const shifted = new Uint8Array(bytes.length + 1);
  shifted.set(bytes, 1);
  for (const each of [bytes, shifted.subarray(1)]) {
    const { tensors, metadata } = decodeSafetensors(each, "head.safetensors");
    assert.deepEqual(metadata, { tags: "clear" });
    for (const [name, tensor] of sample) assert.deepEqual(tensors.get(name), tensor);
  }
});

test("an empty tensor may stand anywhere in the header", () => {
  const [full, empty] = [
    `{"dtype":"F32","shape":[1],"data_offsets":[0,4]}`,
    `{"dtype":"F32","shape":[0],"data_offsets":[0,0]}`,
  ];
  for (const header of [`{"a":${full},"b":${empty}}`, `{"b":${empty},"a":${full}}`]) {
    assert.deepEqual([...decodeSafetensors(fileOf(header, 4), "x").tensors.keys()].sort(), ["a", "b"]);
  }
});

test("a file cut at any length is refused with its name", () => {
  const bytes = encodeSafetensors(sample);
  for (let length = 0; length < bytes.length; length++) {
    assert.throws(() => decodeSafetensors(bytes.subarray(0, length), "head.safetensors"), FormatError);
  }
});

test("a header with any key missing or of another type is refused by name", async () => {
  const header = { w: { dtype: "F32", shape: [2], data_offsets: [0, 8] }, __metadata__: { format: "head" } };
  const read = (json: unknown) => {
    const text = JSON.stringify(json);
    // A file of no tensors is one, too.
    return decodeSafetensors(fileOf(text, text.startsWith('{"__metadata__"') ? 0 : 8), "x.safetensors");
  };
  await assertRefused(header, "x.safetensors", read, /^(w|__metadata__(.format)?) missing$/);
});

test("headers that lie are refused", () => {
  const entry = (fields: object) =>
    JSON.stringify({ w: { dtype: "F32", shape: [2], data_offsets: [0, 8], ...fields } });
  assert.equal(decodeSafetensors(fileOf(entry({}), 8), "x").tensors.size, 1);
  const wrong: [string, number][] = [
    [entry({ shape: [3] }), 8],
    [entry({ shape: [-2] }), 8],
    [entry({ shape: [2 ** 53] }), 8],
    [entry({ dtype: "F8" }), 8],
    [entry({ data_offsets: [8, 16] }), 16],
    [entry({ data_offsets: [0, 8] }), 4],
    [entry({}), 12],
    [entry({ data_offsets: undefined }), 8],
    ["[]", 0],
    ["{", 0],
    ['{"w": 3}', 0],
    ['{"__metadata__": {"a": 1}}', 0],
  ];
  for (const [header, dataBytes] of wrong) {
    assert.throws(() => decodeSafetensors(fileOf(header, dataBytes), "x"), FormatError, header);
  }
});
