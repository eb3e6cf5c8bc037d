/** JPEGs put together from gray ones: each is a component, in a scan of its own. */

/** A marker's segment, from its marker to the next, and scan data behind it. */
interface Segment {
  marker: number;
  bytes: Buffer;
}

function segmentsOf(jpeg: Buffer): Segment[] {
  const segments: Segment[] = [];
  for (let at = 2; at < jpeg.length - 2; ) {
    const marker = jpeg[at + 1];
    const end = marker === 0xda ? jpeg.length - 2 : at + 2 + jpeg.readUInt16BE(at + 2);
    segments.push({ marker, bytes: jpeg.subarray(at, end) });
    at = end;
  }
  return segments;
}

interface JpegComponent {
  /** Baseline, one component, all of the same quality and with the tables of the standard. */
  gray: Buffer;
  sampling: readonly [horizontal: number, vertical: number];
}

/** A baseline JPEG of `width` and `height` with these components, ids from 1 unless they are given, after the segments `markers`. */
export function joinComponents(
  [width, height]: readonly [number, number],
  components: readonly JpegComponent[],
  { ids = [1, 2, 3, 4], markers = [] }: { ids?: readonly number[]; markers?: readonly Buffer[] } = {},
): Buffer {
  const tables = segmentsOf(components[0].gray).filter(({ marker }) => marker === 0xdb || marker === 0xc4);
  const frame = Buffer.from([0xff, 0xc0, 0, 8 + 3 * components.length, 8, 0, 0, 0, 0, components.length]);
  frame.writeUInt16BE(height, 5);
  frame.writeUInt16BE(width, 7);
  const described = components.flatMap(({ sampling: [h, v] }, i) => [ids[i], (h << 4) | v, 0]);
  const scans = components.map(({ gray }, i) => {
    const scan = segmentsOf(gray).find(({ marker }) => marker === 0xda)?.bytes ?? Buffer.alloc(0);
    const header = Buffer.from([0xff, 0xda, 0, 8, 1, ids[i], 0, 0, 63, 0]);
    return Buffer.concat([header, scan.subarray(10)]);
  });
  const [start, end] = [Buffer.from([0xff, 0xd8]), Buffer.from([0xff, 0xd9])];
  const head = [start, ...markers, ...tables.map(({ bytes }) => bytes), frame, Buffer.from(described)];
  return Buffer.concat([...head, ...scans, end]);
}

/** A JFIF marker. */
export const JFIF = Buffer.from([0xff, 0xe0, 0, 16, 0x4a, 0x46, 0x49, 0x46, 0, 1, 1, 0, 0, 1, 0, 1, 0, 0]);

/** Adobe's marker. */
export function adobe(transform: number): Buffer {
  return Buffer.from([0xff, 0xee, 0, 14, 0x41, 0x64, 0x6f, 0x62, 0x65, 0, 100, 0, 0, 0, 0, transform]);
}
