/** Zip archives of every kind of member, for tests. */
import { deflateRawSync } from "node:zlib";

export interface ZipMember {
  name: string | Buffer;
  data?: Uint8Array | string;
  /** 0 stored, 8 deflated. @default 8 */
  method?: number;
  flags?: number;
  /** Of the directory, where it is not that of the data. */
  size?: number;
  attributes?: number;
  /** Sizes stand in an extra field of 64-bit numbers. */
  zip64?: boolean;
}

/** The headers of a member: that before its data, and that of the directory. */
function headers(member: ZipMember, stored: Uint8Array, length: number, offset: number): [Buffer, Buffer] {
  const { method = 8, flags = 0x800, size = length, attributes = 0, zip64 = false } = member;
  const name = Buffer.from(member.name as string);
  const local = Buffer.alloc(30);
  local.writeUInt32LE(0x04034b50, 0);
  local.writeUInt16LE(flags, 6);
  local.writeUInt16LE(method, 8);
  local.writeUInt16LE(name.length, 26);
  const extra = Buffer.alloc(zip64 ? 20 : 0);
  if (zip64) {
    extra.writeUInt16LE(1, 0);
    extra.writeUInt16LE(16, 2);
    extra.writeBigUInt64LE(BigInt(size), 4);
    extra.writeBigUInt64LE(BigInt(stored.length), 12);
  }
  const entry = Buffer.alloc(46);
  entry.writeUInt32LE(0x02014b50, 0);
  entry.writeUInt16LE(3 << 8, 4);
  entry.writeUInt16LE(flags, 8);
  entry.writeUInt16LE(method, 10);
  entry.writeUInt32LE(zip64 ? 0xffffffff : stored.length, 20);
  entry.writeUInt32LE(zip64 ? 0xffffffff : size, 24);
  entry.writeUInt16LE(name.length, 28);
  entry.writeUInt16LE(extra.length, 30);
  entry.writeUInt32LE(attributes, 38);
  entry.writeUInt32LE(offset, 42);
  return [Buffer.concat([local, name]), Buffer.concat([entry, name, extra])];
}

/** Sizes in the headers before the data stay 0, as where they follow it. */
export function zip(members: readonly ZipMember[]): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const member of members) {
    const data = Buffer.from((member.data ?? "") as string);
    const stored = (member.method ?? 8) === 8 ? deflateRawSync(data) : data;
    const [local, entry] = headers(member, stored, data.length, offset);
    parts.push(local, stored);
    directory.push(entry);
    offset += local.length + stored.length;
  }
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(members.length, 8);
  end.writeUInt16LE(members.length, 10);
  end.writeUInt32LE(Buffer.concat(directory).length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...parts, ...directory, end]);
}
