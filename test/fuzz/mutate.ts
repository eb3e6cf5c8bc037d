/** Damage for fuzzing: bytes, words of a format, and values of JSON are changed, lost, repeated and mixed. */
import type { Random } from "../../src/random.js";

/** What readers trip over, besides the words of a format. */
const WORDS = [
  "\0",
  "\n",
  "\r\n",
  '"',
  "\\",
  "../",
  "\u001b[2J",
  "\u202e",
  "NaN",
  "-1",
  "1e999",
  "\ufeff",
  "=cmd()",
  ",",
];
const NUMBERS = [0, 1, 127, 128, 255, 256, 0x7fff, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff];
const VALUES: readonly unknown[] = [
  ...[
    null,
    true,
    0,
    -1,
    0.5,
    1e308,
    2 ** 53,
    "",
    "x",
    "../../x",
    "/dev/zero",
    "\u001b[2J",
    "\ud800",
    "1",
    [],
    {},
    [[]],
  ],
  ...[[1e308], { x: null }, "a".repeat(2000)],
];
/** Damaged files do not grow beyond this. */
const MOST_BYTES = 1 << 18;

type Change = (bytes: Buffer, random: Random, other: Buffer, words: readonly string[]) => Buffer;

/** `bytes`, damaged in one to four ways; `other` is another good file, `words` are those of the format. */
export function mutate(bytes: Buffer, other: Buffer, words: readonly string[], random: Random): Buffer {
  let changed: Buffer = Buffer.from(bytes);
  for (let i = random.below(4); i >= 0; i--) {
    const change = random.below(3) === 0 ? changeJson : CHANGES[random.below(CHANGES.length)];
    changed = change(changed, random, other, [...WORDS, ...words]);
  }
  return changed.subarray(0, MOST_BYTES);
}

const CHANGES: readonly Change[] = [flipBits, cutEnd, cutPiece, repeatPiece, takePiece, putWord, putNumber, putZeros];

function flipBits(bytes: Buffer, random: Random): Buffer {
  for (let i = random.below(8); i >= 0 && bytes.length > 0; i--) {
    bytes[random.below(bytes.length)] ^= random.below(2) === 0 ? 1 << random.below(8) : random.below(256);
  }
  return bytes;
}

function cutEnd(bytes: Buffer, random: Random): Buffer {
  return bytes.subarray(0, random.below(bytes.length + 1));
}

function cutPiece(bytes: Buffer, random: Random): Buffer {
  const [from, to] = piece(bytes, random);
  return Buffer.concat([bytes.subarray(0, from), bytes.subarray(to)]);
}

function repeatPiece(bytes: Buffer, random: Random): Buffer {
  const [from, to] = piece(bytes, random);
  const times = 1 + random.below(random.below(8) === 0 ? 300 : 3);
  const copies = new Array<Buffer>(times).fill(bytes.subarray(from, to));
  return Buffer.concat([bytes.subarray(0, to), ...copies, bytes.subarray(to)]).subarray(0, MOST_BYTES);
}

function takePiece(bytes: Buffer, random: Random, other: Buffer): Buffer {
  const [from, to] = piece(other, random);
  const at = random.below(bytes.length + 1);
  const skipped = random.below(2) === 0 ? to - from : 0;
  return Buffer.concat([bytes.subarray(0, at), other.subarray(from, to), bytes.subarray(at + skipped)]);
}

function putWord(bytes: Buffer, random: Random, _: Buffer, words: readonly string[]): Buffer {
  const word = Buffer.from(words[random.below(words.length)]);
  const at = random.below(bytes.length + 1);
  return Buffer.concat([bytes.subarray(0, at), word, bytes.subarray(at + random.below(2) * word.length)]);
}

/** A length, an offset or a count, as binary formats have them. */
function putNumber(bytes: Buffer, random: Random): Buffer {
  const size = [1, 2, 4][random.below(3)];
  if (bytes.length < size) return bytes;
  const number = NUMBERS[random.below(NUMBERS.length)] % 2 ** (8 * size);
  const at = random.below(bytes.length - size + 1);
  if (random.below(2) === 0) bytes.writeUIntLE(number, at, size);
  else bytes.writeUIntBE(number, at, size);
  return bytes;
}

function putZeros(bytes: Buffer, random: Random): Buffer {
  const [from, to] = piece(bytes, random);
  return bytes.fill(0, from, to);
}

/** Most pieces are short. */
function piece(bytes: Buffer, random: Random): [from: number, to: number] {
  const from = random.below(bytes.length + 1);
  const most = random.below(4) === 0 ? bytes.length : 32;
  return [from, Math.min(bytes.length, from + random.below(most + 1))];
}

/** Changes a value at any depth, if the file, or one of its lines, is JSON. */
function changeJson(bytes: Buffer, random: Random): Buffer {
  const text = bytes.toString("utf8");
  const lines = text.trimStart().startsWith("{") && text.includes("\n{") ? text.split("\n") : [text];
  const at = random.below(lines.length);
  try {
    lines[at] = JSON.stringify(changed(JSON.parse(lines[at]), random));
  } catch {
    return flipBits(bytes, random);
  }
  return Buffer.from(lines.join("\n"));
}

function changed(value: unknown, random: Random): unknown {
  const keys = typeof value === "object" && value !== null ? Object.keys(value) : [];
  if (keys.length === 0 || random.below(6) === 0) return VALUES[random.below(VALUES.length)];
  const holder = value as Record<string, unknown>;
  const [key, another] = [keys[random.below(keys.length)], keys[random.below(keys.length)]];
  const kind = random.below(8);
  if (kind === 0) delete holder[key];
  else if (kind === 1) holder[key] = holder[another];
  else if (kind === 2 && Array.isArray(value)) value.push(...structuredClone(value).slice(0, 100));
  else if (kind === 3 && typeof holder[key] === "number")
    holder[key] = holder[key] * [-1, 0, 10, 1e300][random.below(4)];
  else holder[key] = changed(holder[key], random);
  return value;
}
