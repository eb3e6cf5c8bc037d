/**
 * The header of a JPEG as far as colours are concerned, and how to rewrite it: the sharp path forces a colour reading by giving
 * libjpeg a header that says so. Format: ITU-T T.81; the Adobe marker: Adobe Technical Note 5116, section 18.
 */

export interface JpegHeader {
  width: number;
  height: number;
  components: number;
  /** Component ids spell "RGB": libjpeg then reads RGB if no marker says otherwise. */
  namedRgb: boolean;
  /** Four components, of which the second and the third have fewer samples than the first and the fourth. */
  subsampledChroma: boolean;
  jfif: boolean;
  /** Adobe's transform (0 none, 1 YCbCr, 2 YCCK), or -1 without the marker. */
  adobeTransform: number;
  /** Position of the start-of-scan marker. */
  scanStart: number;
  /** `[start, end)` of all segments that speak about colours: APP0, APP1, APP2, APP14. */
  colorSegments: [number, number][];
}

const SOS = 0xda;

/** Reads markers up to the first scan; undefined if the bytes are not a JPEG or end before it. */
export function readJpegHeader(bytes: Uint8Array): JpegHeader | undefined {
  const header: JpegHeader = {
    width: 0,
    height: 0,
    components: 0,
    namedRgb: false,
    subsampledChroma: false,
    jfif: false,
    adobeTransform: -1,
    scanStart: 0,
    colorSegments: [],
  };
  for (const { marker, start, end } of segments(bytes)) {
    if (marker === SOS) return header.components > 0 ? { ...header, scanStart: start } : undefined;
    readSegment(header, marker, bytes.subarray(start + 4, end));
    if ([0xe0, 0xe1, 0xe2, 0xee].includes(marker)) header.colorSegments.push([start, end]);
  }
  return undefined;
}

/** A copy of the JPEG in which only an Adobe marker with `transform` says anything about colours. */
export function withColorTransform(bytes: Uint8Array, header: JpegHeader, transform: 0 | 1 | 2): Uint8Array {
  const adobe = Uint8Array.of(0xff, 0xee, 0, 14, 0x41, 0x64, 0x6f, 0x62, 0x65, 0, 100, 0, 0, 0, 0, transform);
  const parts: Uint8Array[] = [bytes.subarray(0, 2), adobe];
  let from = 2;
  for (const [start, end] of header.colorSegments) {
    parts.push(bytes.subarray(from, start));
    from = end;
  }
  parts.push(bytes.subarray(from));
  return Buffer.concat(parts);
}

/** The segments between SOI and the end of the bytes or the first SOS, whichever comes first. */
function* segments(bytes: Uint8Array): Generator<{ marker: number; start: number; end: number }> {
  let at = 2;
  while (at + 4 <= bytes.length) {
    if (bytes[at] !== 0xff) at++;
    else if (bytes[at + 1] === 0xff || isStandalone(bytes[at + 1])) at += bytes[at + 1] === 0xff ? 1 : 2;
    else {
      const marker = bytes[at + 1];
      const end = at + 2 + bytes[at + 2] * 256 + bytes[at + 3];
      if (end > bytes.length) return;
      yield { marker, start: at, end };
      if (marker === SOS) return;
      at = end;
    }
  }
}

/** Markers without a length: TEM, RSTn, SOI, EOI, and the stuffed zero. */
function isStandalone(marker: number): boolean {
  return marker <= 0x01 || (marker >= 0xd0 && marker <= 0xd9);
}

function readSegment(header: JpegHeader, marker: number, body: Uint8Array): void {
  if (marker === 0xe0 && ascii(body, 5) === "JFIF\0") header.jfif = true;
  else if (marker === 0xee && body.length >= 12 && ascii(body, 5) === "Adobe") header.adobeTransform = body[11];
  else if (isStartOfFrame(marker) && body.length >= 6) {
    header.height = body[1] * 256 + body[2];
    header.width = body[3] * 256 + body[4];
    header.components = body[5];
    const samples = (component: number) => (body[7 + 3 * component] >> 4) * (body[7 + 3 * component] & 15);
    header.subsampledChroma =
      header.components === 4 && Math.max(samples(1), samples(2)) < samples(0) && samples(3) === samples(0);
    header.namedRgb = header.components === 3 && body[6] === 0x52 && body[9] === 0x47 && body[12] === 0x42;
  }
}

/** SOF0 to SOF15 without DHT (C4), JPG (C8) and DAC (CC). */
function isStartOfFrame(marker: number): boolean {
  return marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;
}

function ascii(bytes: Uint8Array, length: number): string {
  return String.fromCharCode(...bytes.subarray(0, length));
}
