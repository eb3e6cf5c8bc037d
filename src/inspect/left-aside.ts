/** What files say of their colours and their orientation and canopy leaves aside (docs/colour.md). */
import { readJpegHeader } from "../decode/jpeg-header.js";
import { openPicture } from "../decode/open-sharp.js";
import { sniffFormat } from "../decode/sniff.js";

/** The usual gamma, 1 / 2.2, and how far from it one makes no difference. */
const USUAL_GAMMA = 0.45455;
const NEAR = 0.01;
/** Of cICP: the primaries and the transfer of sRGB (ITU-T H.273). */
const SRGB_PRIMARIES = 1;
const SRGB_TRANSFER = 13;

/** In words, each once: `orientation 6`, `ICC profile "Display P3"`. What agrees with sRGB, upright, is nothing. */
export async function findLeftAside(bytes: Uint8Array): Promise<string[]> {
  const format = sniffFormat(bytes);
  const chunks = format === "png" ? colorChunks(bytes) : {};
  if (format === "jpeg" && !mayTell(bytes)) return [];
  const { icc, orientation = 1 } = await openPicture(bytes, { maxPixels: 2 ** 40, onTruncated: "accept" })
    .metadata()
    .catch(() => ({ icc: undefined, orientation: 1 }));
  const profile = icc && nameProfile(icc);
  return [
    // libheif turns a picture itself.
    ...(orientation > 1 && format !== "heif" ? [`orientation ${orientation}`] : []),
    ...(profile === undefined || /srgb/i.test(profile) ? [] : [`ICC profile ${JSON.stringify(profile)}`]),
    ...describeChunks(chunks, icc !== undefined),
  ];
}

/** Whether there is an EXIF block or a profile: a JPEG without is not opened again. */
function mayTell(bytes: Uint8Array): boolean {
  return readJpegHeader(bytes)?.colorSegments.some(([start]) => [0xe1, 0xe2].includes(bytes[start + 1])) ?? false;
}

interface ColorChunks {
  gamma?: number;
  cicp?: readonly [primaries: number, transfer: number];
  srgb?: boolean;
}

/** The chunks of a PNG before its pixels (PNG, sections 11.3.2 and 5.3). */
function colorChunks(bytes: Uint8Array): ColorChunks {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const found: ColorChunks = {};
  for (let at = 8; at + 12 <= file.length; at += 12 + file.readUInt32BE(at)) {
    const type = file.toString("latin1", at + 4, at + 8);
    if (type === "IDAT") break;
    if (type === "gAMA") found.gamma = file.readUInt32BE(at + 8) / 100_000;
    if (type === "cICP") found.cicp = [file[at + 8], file[at + 9]];
    if (type === "sRGB") found.srgb = true;
  }
  return found;
}

/** Of several chunks the one that counts. */
function describeChunks({ gamma, cicp, srgb }: ColorChunks, hasProfile: boolean): string[] {
  if (cicp !== undefined) {
    const usual = cicp[0] === SRGB_PRIMARIES && cicp[1] === SRGB_TRANSFER;
    return usual ? [] : [`cICP (primaries ${cicp[0]}, transfer ${cicp[1]})`];
  }
  const counts = !hasProfile && srgb !== true && gamma !== undefined && Math.abs(gamma - USUAL_GAMMA) > NEAR;
  return counts ? [`gamma ${Number((1 / gamma).toFixed(2))}`] : [];
}

/** The profile's description (ICC.1, section 9.2.41), from versions 2 and 4. */
function nameProfile(icc: Buffer): string {
  try {
    const count = icc.readUInt32BE(128);
    for (let i = 0, entry = 132; i < count && entry + 12 <= icc.length; i++, entry += 12) {
      if (icc.toString("latin1", entry, entry + 4) !== "desc") continue;
      return readText(icc.subarray(icc.readUInt32BE(entry + 4)));
    }
  } catch {}
  return "without a name";
}

function readText(tag: Buffer): string {
  if (tag.toString("latin1", 0, 4) === "desc") return tag.toString("latin1", 12, 11 + tag.readUInt32BE(8));
  const [length, offset] = [tag.readUInt32BE(20), tag.readUInt32BE(24)];
  return Buffer.from(tag.subarray(offset, offset + length))
    .swap16()
    .toString("utf16le");
}
