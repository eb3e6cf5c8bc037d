import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { BinaryReader } from "@bufbuild/protobuf/wire";
import { computeMetrics } from "../../src/head/metrics.js";
import { crc32c, encodeEvents, listScalars } from "../../src/training/tensorboard.js";
import { temporaryFolder } from "../helpers.js";

const SCALARS = [
  { name: "training/loss", step: 1, value: 0.5 },
  { name: "unseen/f2", step: 300, value: 0.875 },
];

test("the checksum is CRC-32C, by the values of RFC 3720", () => {
  assert.equal(crc32c(Buffer.from("123456789")), 0xe3069283);
  assert.equal(crc32c(new Uint8Array(32)), 0x8a9136aa);
  assert.equal(crc32c(new Uint8Array(32).fill(255)), 0x62a8ab43);
});

test("a file begins with its version, and each record holds one value with its step and time", () => {
  const file = Buffer.from(encodeEvents(SCALARS, 1_700_000_000.5));
  const events: Map<number, unknown>[] = [];
  for (let at = 0; at < file.length; ) {
    const length = Number(file.readBigUInt64LE(at));
    assert.equal(file.readUInt32LE(at + 8), mask(crc32c(file.subarray(at, at + 8))));
    const data = file.subarray(at + 12, at + 12 + length);
    assert.equal(file.readUInt32LE(at + 12 + length), mask(crc32c(data)));
    events.push(fieldsOf(data));
    at += 16 + length;
  }
  const [version, ...values] = events;
  assert.equal(String(version.get(3)), "brain.Event:2");
  for (const event of events) assert.equal(event.get(1), 1_700_000_000.5);
  const read = values.map((event) => {
    const value = fieldsOf(fieldsOf(event.get(5) as Uint8Array).get(1) as Uint8Array);
    return { name: String(value.get(1)), step: Number(event.get(2) ?? 0), value: value.get(2) };
  });
  assert.deepEqual(read, SCALARS);
});

/** Fields by number, as their wire types are read. */
function fieldsOf(data: Uint8Array): Map<number, unknown> {
  const reader = new BinaryReader(data);
  const fields = new Map<number, unknown>();
  while (reader.pos < reader.len) {
    const [number, type] = reader.tag();
    if (type === 0) fields.set(number, reader.int64());
    else if (type === 1) fields.set(number, reader.double());
    else if (type === 5) fields.set(number, reader.float());
    else fields.set(number, Buffer.from(reader.bytes()));
  }
  return fields;
}

const mask = (crc: number) => (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;

test("history and final scores become scalars, without what was not measured", () => {
  const labels = { data: Uint8Array.of(1, 0), rows: 2, tags: ["a"] };
  const metrics = computeMetrics(Float32Array.of(0.9, 0.1), labels, Float32Array.of(0.5));
  const row = {
    epoch: 4,
    loss: 0.5,
    binaryAccuracy: 0.75,
    f2: 0.25,
    valLoss: 0.625,
    valBinaryAccuracy: null,
    valF2: null,
  };
  assert.deepEqual(
    listScalars([row], metrics).map(({ name, step, value }) => [name, step, value]),
    [
      ["training/loss", 4, 0.5],
      ["training/binary_accuracy", 4, 0.75],
      ["training/f2_at_half", 4, 0.25],
      ["held_out/loss", 4, 0.625],
      ["unseen/f2", 4, 1],
      ["unseen/f2_at_half", 4, 1],
    ],
  );
});

test("TensorBoard's own reader reads it, where it is installed", (t) => {
  const path = join(temporaryFolder(t), "events.out.tfevents.1.canopy");
  writeFileSync(path, encodeEvents(SCALARS, 1_700_000_000.5));
  const program = [
    "import sys",
    "from tensorboard.backend.event_processing.event_file_loader import RawEventFileLoader",
    "print(len(list(RawEventFileLoader(sys.argv[1]).Load())))",
  ].join("\n");
  const { status, stdout } = spawnSync("python3", ["-c", program, path], { encoding: "utf8" });
  if (status !== 0) return t.skip("python3 has no tensorboard");
  assert.equal(stdout.trim(), "3");
});
