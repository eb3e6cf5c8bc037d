/**
 * Numbers of a training as a file of events that TensorBoard reads: records of TFRecord (length, data, each with a masked CRC-32C), which
 * hold `Event` messages of TensorFlow's event.proto.
 */
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import type { HistoryRow } from "../head/history.js";
import type { Metrics } from "../head/metrics.js";

export interface Scalar {
  name: string;
  step: number;
  value: number;
}

/** The history by epoch, and the scores of the finished model at the last one. */
export function listScalars(history: readonly HistoryRow[], metrics: Metrics): Scalar[] {
  const rows = history.flatMap((row) => {
    const training = { loss: row.loss, binary_accuracy: row.binaryAccuracy, f2_at_half: row.f2 };
    const heldOut = { loss: row.valLoss, binary_accuracy: row.valBinaryAccuracy, f2_at_half: row.valF2 };
    return [...scalarsOf("training", training, row.epoch), ...scalarsOf("held_out", heldOut, row.epoch)];
  });
  const last = history.at(-1)?.epoch ?? 0;
  const { f2, f2AtHalf, map } = metrics;
  return [...rows, ...scalarsOf("unseen", { f2, f2_at_half: f2AtHalf, map }, last)];
}

function scalarsOf(group: string, values: Record<string, number | null>, step: number): Scalar[] {
  return Object.entries(values).flatMap(([name, value]) =>
    value === null ? [] : [{ name: `${group}/${name}`, step, value }],
  );
}

/** The file's content; `seconds` since 1970 is the time of all its events. */
export function encodeEvents(scalars: readonly Scalar[], seconds: number): Uint8Array {
  const events = [
    encodeEvent(seconds, (event) => event.tag(3, WireType.LengthDelimited).string("brain.Event:2")),
    ...scalars.map(({ name, step, value }) => {
      const inner = new BinaryWriter()
        .tag(1, WireType.LengthDelimited)
        .string(name)
        .tag(2, WireType.Bit32)
        .float(value);
      const summary = new BinaryWriter().tag(1, WireType.LengthDelimited).bytes(inner.finish()).finish();
      return encodeEvent(seconds, (event) =>
        event.tag(2, WireType.Varint).int64(step).tag(5, WireType.LengthDelimited).bytes(summary),
      );
    }),
  ];
  return Buffer.concat(events.map(encodeRecord));
}

function encodeEvent(seconds: number, fill: (event: BinaryWriter) => BinaryWriter): Uint8Array {
  return fill(new BinaryWriter().tag(1, WireType.Bit64).double(seconds)).finish();
}

function encodeRecord(data: Uint8Array): Uint8Array {
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(data.length));
  return Buffer.concat([length, maskedCrc(length), data, maskedCrc(data)]);
}

function maskedCrc(data: Uint8Array): Uint8Array {
  const crc = crc32c(data);
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE((((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0);
  return bytes;
}

/** Castagnoli's polynomial; zlib's CRC-32 has another. */
export function crc32c(data: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of data) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f63b78 : 0);
  }
  return ~crc >>> 0;
}
