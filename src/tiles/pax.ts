/** Records of pax headers in tar archives: what the fields of plain headers have no room for. */

export type PaxRecords = Map<string, string>;

/** `length key=value\n` each, with the length in bytes; undefined if `bytes` hold anything else. */
export function parsePax(bytes: Buffer): PaxRecords | undefined {
  const records: PaxRecords = new Map();
  for (let start = 0; start < bytes.length; ) {
    const [digits, length] = /^(\d{1,7}) /.exec(bytes.toString("latin1", start, start + 8)) ?? [];
    const end = start + Number(length);
    const equals = bytes.indexOf("=", start);
    if (digits === undefined || equals < 0 || equals >= end || bytes[end - 1] !== NEWLINE) return undefined;
    const key = bytes.toString("utf8", start + digits.length, equals);
    records.set(key, bytes.toString("utf8", equals + 1, end - 1));
    start = end;
  }
  return records;
}

const NEWLINE = 10;

/** Whether `bytes` begin as pax records do. */
export function looksLikePax(bytes: Buffer): boolean {
  return /^\d{1,7} [\w.]+=/.test(bytes.toString("latin1", 0, 100));
}
