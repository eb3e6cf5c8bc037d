/** Tar archives of every kind of member, for tests. */

export const BLOCK = 512;

interface TestMember {
  name: string;
  type?: string;
  link?: string;
  data?: string | Uint8Array;
  /** Where it is not that of the data. */
  size?: number;
}

/** A member as it stands in an archive: header and data, padded. */
export function member({ name, type = "0", link = "", data = "", size }: TestMember): Buffer {
  const bytes = Buffer.from(data as string);
  const header = Buffer.alloc(BLOCK);
  header.write(name, 0);
  header.write("0000644\u00000000000\u00000000000\u0000", 100);
  header.write(`${(size ?? bytes.length).toString(8).padStart(11, "0")} 00000000000 `, 124);
  header.write(`        ${type}${link}`, 148);
  header.write("ustar\u000000", 257);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  const padded = Buffer.alloc(Math.ceil(bytes.length / BLOCK) * BLOCK);
  bytes.copy(padded);
  return Buffer.concat([header, padded]);
}

export function pax(type: "x" | "g", records: Record<string, string>): Buffer {
  const lines = Object.entries(records).map(([key, value]) => {
    const rest = Buffer.byteLength(` ${key}=${value}\n`);
    const length = [1, 2, 3].map((digits) => rest + digits).find((sum, i) => String(sum).length === i + 1);
    return `${length} ${key}=${value}\n`;
  });
  return member({ name: "pax", type, data: lines.join("") });
}

/** Marks the end of an archive. */
export const END = Buffer.alloc(2 * BLOCK);
