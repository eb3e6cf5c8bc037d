/** Files with a picture's name that are no pictures: what they are by their first bytes, and what to do. */

interface Kind {
  /** "a Git LFS pointer" */
  is: string;
  /** Ends the sentence: "run `git lfs pull`". */
  remedy: string;
  /** First bytes, as Latin-1, from `at`. */
  magic: string;
  /** @default 0 */
  at?: number;
}

const UNPACK = "unpack it";
const CONVERT = "convert it to PNG or TIFF";
const DOWNLOAD = "a server answered with a page instead of the picture: download it again";

const KINDS: readonly Kind[] = [
  { magic: "version https://git-lfs", is: "a Git LFS pointer", remedy: "run `git lfs pull`" },
  { magic: "/annex/objects/", is: "a git-annex pointer", remedy: "run `git annex get`" },
  { magic: "\x1f\x8b", is: "compressed by gzip", remedy: "uncompress it" },
  { magic: "BZh", is: "compressed by bzip2", remedy: "uncompress it" },
  { magic: "\xfd7zXZ", is: "compressed by xz", remedy: "uncompress it" },
  { magic: "\x28\xb5\x2f\xfd", is: "compressed by Zstandard", remedy: "uncompress it" },
  { magic: "PK\x03\x04", is: "a zip archive", remedy: UNPACK },
  { magic: "PK\x05\x06", is: "an empty zip archive", remedy: "remove it" },
  { magic: "7z\xbc\xaf\x27\x1c", is: "a 7z archive", remedy: UNPACK },
  { magic: "Rar!", is: "a RAR archive", remedy: UNPACK },
  { magic: "ustar", at: 257, is: "a tar archive", remedy: "call it .tar, and it is read as one" },
  { magic: "%PDF", is: "a PDF", remedy: CONVERT },
  { magic: "%!PS", is: "PostScript", remedy: CONVERT },
  { magic: "8BPS", is: "a Photoshop file", remedy: CONVERT },
  { magic: "\0\0\0\x0cjP  ", is: "a JPEG 2000", remedy: CONVERT },
  { magic: "\xff\x4f\xff\x51", is: "a JPEG 2000", remedy: CONVERT },
  { magic: "\0\0\0\x0cJXL ", is: "a JPEG XL", remedy: CONVERT },
  { magic: "\xff\x0a", is: "a JPEG XL", remedy: CONVERT },
  { magic: "BM", is: "a BMP", remedy: CONVERT },
  { magic: "II\xbc\x01", is: "a JPEG XR", remedy: CONVERT },
  { magic: "\x76\x2f\x31\x01", is: "an OpenEXR picture", remedy: CONVERT },
  { magic: "\x89HDF", is: "an HDF5 or NetCDF file", remedy: "write its bands as a TIFF (gdal_translate)" },
  { magic: "CDF", is: "a NetCDF file", remedy: "write its bands as a TIFF (gdal_translate)" },
  { magic: "GRIB", is: "a GRIB file", remedy: "write its bands as a TIFF (gdal_translate)" },
  { magic: "NITF", is: "a NITF picture", remedy: "write its bands as a TIFF (gdal_translate)" },
  { magic: "\x93NUMPY", is: "a NumPy array", remedy: "write it as a TIFF" },
  { magic: "MZ", is: "a Windows program", remedy: "remove it" },
  { magic: "\x7fELF", is: "a program", remedy: "remove it" },
];

/** A sentence for bytes that are no picture canopy reads. */
export function describeForeign(bytes: Uint8Array): string {
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, 512)).toString("latin1");
  const kind = KINDS.find(({ magic, at = 0 }) => head.startsWith(magic, at)) ?? textKind(head);
  if (kind !== undefined) return `Not an image: it is ${kind.is}; ${kind.remedy}`;
  if (/^\0+$/.test(head))
    return "Not an image: it begins with zeros, as files do whose copy was cut short; copy it again";
  return "Not an image: the first bytes are those of no image format that is read (JPEG, PNG, TIFF, WebP, GIF, AVIF)";
}

function textKind(head: string): Pick<Kind, "is" | "remedy"> | undefined {
  const text = head
    .replace(/^\xef\xbb\xbf/, "")
    .trimStart()
    .toLowerCase();
  if (text.startsWith("<!doctype html") || text.startsWith("<html")) return { is: "an HTML page", remedy: DOWNLOAD };
  if (/^(<\?xml[^>]*>\s*)?(<!--.*?-->\s*)?(<!doctype svg[^>]*>\s*)?<svg/s.test(text))
    return { is: "an SVG, which is a drawing", remedy: CONVERT };
  if (text.startsWith("<?xml")) return { is: "XML", remedy: DOWNLOAD };
  if (/^[{[]/.test(text) && isText(head)) return { is: "JSON", remedy: DOWNLOAD };
  return isText(head) && text !== "" ? { is: "text", remedy: "name a picture" } : undefined;
}

/** Only letters and white space; eight bytes are too few to decide. */
function isText(head: string): boolean {
  return head.length >= 8 && /^[\t\n\f\r\x20-\x7e\x80-\xff]*$/.test(head) && /^[\t\n\f\r\x20-\x7e]{8}/.test(head);
}
