/** Bytes of a label file: its kind, the encoding of its text, and the text as a stream. */
import { isUtf8 } from "node:buffer";
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { FormatError, InputError } from "../errors.js";
import { isMissing } from "../files/facts.js";
import { isCompressed } from "../tiles/names.js";
import { openSource } from "../tiles/open-source.js";
import { CompressionError } from "../tiles/unpack.js";

export interface LabelFile {
  path: string;
  isFolder: boolean;
  size: number;
  /** The file's first bytes; all of them where `size` says so. */
  head: Buffer;
}

/** Bytes read to recognise a file, and for a file with longer lines. */
const HEAD = 64 << 10;
const LONG_HEAD = 4 << 20;
const HEAD_LINES = 10;

/** @throws InputError if there is no such file, or nobody may read it, or it is empty; FormatError if it is something else */
export async function openLabelFile(path: string): Promise<LabelFile> {
  try {
    const info = await stat(path);
    if (info.isDirectory()) return { path, isFolder: true, size: 0, head: Buffer.alloc(0) };
    if (!info.isFile()) throw new InputError(`${path} is no regular file: write the labels to one first.`);
    if (info.size === 0) throw new InputError(`${path} holds no labels: it is empty.`);
    const head = await readHead(path, info.size);
    refuseOthers(path, head);
    return { path, isFolder: false, size: info.size, head };
  } catch (error) {
    throw explainReading(path, error as NodeJS.ErrnoException);
  }
}

async function readHead(path: string, size: number): Promise<Buffer> {
  const file = await openSource(path);
  try {
    const read = async (bytes: number) => {
      const buffer = Buffer.alloc(isCompressed(path) ? bytes : Math.min(bytes, size));
      return buffer.subarray(0, await file.read(buffer, 0));
    };
    const head = await read(HEAD);
    const lines = head.reduce((count, byte) => count + (byte === 10 || byte === 13 ? 1 : 0), 0);
    return lines < HEAD_LINES ? await read(LONG_HEAD) : head;
  } finally {
    await file.close();
  }
}

export function explainReading(path: string, error: NodeJS.ErrnoException): Error {
  if (isMissing(error)) return new InputError(`There is no label file ${path}.`, { cause: error });
  if (error instanceof CompressionError) return new FormatError(path, `${path} cannot be unpacked: ${error.message}.`);
  if (error.syscall !== undefined) {
    return new InputError(`Cannot read the label file ${path}: ${error.message}.`, { cause: error });
  }
  return error;
}

/** Files that are given as labels by mistake, by their first bytes. */
const OTHERS: readonly [starts: readonly string[], what: string, remedy: string][] = [
  [["\xff\xfe\0\0", "\0\0\xfe\xff"], "text in UTF-32", "Save it as UTF-8."],
  [["\x1f\x8b", "BZh", "\xfd7zXZ", "\x28\xb5\x2f\xfd"], "a compressed file", "Unpack it first."],
  [["PK\x03\x04"], "a zip archive or an Excel workbook", "Unpack it, or save the sheet as CSV."],
  [["\xd0\xcf\x11\xe0"], "an Excel workbook", "Save the sheet as CSV."],
  [
    ["\x89PNG", "\xff\xd8\xff", "II*\0", "MM\0*", "RIFF"],
    "a picture",
    "Name the file that says which tile has which tags.",
  ],
  [["version https://git-lfs"], "a Git LFS pointer, not the file itself", "Fetch it with git lfs pull."],
  [["<!doctype", "<html", "<?xml"], "an HTML or XML page", "Download the file itself."],
  [["SQLite format"], "an SQLite database", "Export the table as CSV."],
  [
    ["\x89HDF", "\x93NUMPY", "\x80\x02", "\x80\x03", "\x80\x04", "\x80\x05"],
    "an HDF5, NumPy or pickle file",
    "Write it as CSV or Parquet.",
  ],
];

function refuseOthers(path: string, head: Buffer): void {
  const start = head.toString("latin1", 0, 64);
  const lower = start.trimStart().toLowerCase();
  const found = OTHERS.find(([starts]) => starts.some((each) => start.startsWith(each) || lower.startsWith(each)));
  if (found !== undefined) throw new FormatError(path, `${path} is ${found[1]}. ${found[2]}`);
}

type Encoding = "utf-8" | "utf-16le" | "utf-16be" | "windows-1252";

/** The encoding of the whole file; windows-1252 is Latin-1 with a few more characters. FormatError for damaged UTF-8. */
export async function detectEncoding({ path, head }: LabelFile): Promise<Encoding> {
  if (head[0] === 0xff && head[1] === 0xfe) return "utf-16le";
  if (head[0] === 0xfe && head[1] === 0xff) return "utf-16be";
  const zeros = zerosOfPairs(head.subarray(0, 4096));
  if (zeros !== undefined) return zeros;
  if (head.includes(0)) {
    const line = head.subarray(0, head.indexOf(0)).filter((byte) => byte === 10).length + 1;
    throw new FormatError(
      path,
      `${path}, line ${line}: holds bytes of zero, so it is not text. Name a file that says which tile has which tags.`,
    );
  }
  return (await isValidUtf8(path)) ? "utf-8" : legacyEncoding(path);
}

/** Text of mostly ASCII in UTF-16 has a zero in nearly every pair of bytes, on the same side. */
function zerosOfPairs(bytes: Buffer): Encoding | undefined {
  const zeros = [0, 0];
  bytes.forEach((byte, i) => {
    if (byte === 0) zeros[i % 2]++;
  });
  const pairs = bytes.length / 2;
  if (zeros[1] > pairs / 4 && zeros[0] < zeros[1] / 10) return "utf-16le";
  return zeros[0] > pairs / 4 && zeros[1] < zeros[0] / 10 ? "utf-16be" : undefined;
}

async function isValidUtf8(path: string): Promise<boolean> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const block of createReadStream(path, { highWaterMark: 1 << 20 })) {
    const bytes: Buffer = rest.length === 0 ? block : Buffer.concat([rest, block]);
    const end = bytes.length - incompleteTail(bytes);
    if (!isUtf8(bytes.subarray(0, end))) return false;
    rest = bytes.subarray(end);
  }
  return rest.length === 0;
}

/** Bytes at the end that begin a character and do not finish it. */
function incompleteTail(bytes: Buffer): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back];
    if (byte < 0x80) return 0;
    if (byte >= 0xc0) return back < (byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2) ? back : 0;
  }
  return 0;
}

/** Latin-1, unless most of what is not ASCII is valid UTF-8: then the file is damaged, and Latin-1 would be wrong. */
async function legacyEncoding(path: string): Promise<Encoding> {
  const decoder = new TextDecoder("utf-8");
  let [good, bad, line, badLine] = [0, 0, 1, 0];
  for await (const block of createReadStream(path, { highWaterMark: 1 << 20 })) {
    for (const character of decoder.decode(block, { stream: true })) {
      if (character === "\n") line++;
      else if (character === "\uFFFD") {
        bad++;
        badLine ||= line;
      } else if (character > "\x7f") good++;
    }
  }
  if (good > bad)
    throw new FormatError(path, `${path}, line ${badLine || line}: is damaged UTF-8. Save the file as UTF-8 again.`);
  return "windows-1252";
}

/** The file's text in pieces, without a byte-order mark. */
export async function* textOf({ path }: LabelFile, encoding: Encoding): AsyncGenerator<string> {
  const decoder = new TextDecoder(encoding, { fatal: true });
  try {
    for await (const block of createReadStream(path, { highWaterMark: 256 << 10 })) {
      yield decoder.decode(block, { stream: true });
    }
    yield decoder.decode();
  } catch (error) {
    throw error instanceof TypeError && !("syscall" in error)
      ? new FormatError(
          path,
          `${path} is not whole: its text breaks off in the middle of a character, or is not ${encoding.toUpperCase()}.`,
        )
      : explainReading(path, error as NodeJS.ErrnoException);
  }
}

/** The text of the file's head, without a last line that is cut off. */
export function headText({ head, size }: LabelFile, encoding: Encoding): string {
  const text = new TextDecoder(encoding).decode(head, { stream: true });
  if (head.length === size) return text;
  const end = Math.max(text.lastIndexOf("\n"), text.lastIndexOf("\r"));
  return end < 0 ? text : text.slice(0, end + 1);
}
