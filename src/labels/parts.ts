/** Reads the part that a tile belongs to from a cell. */
import { type Cell, readBit, textOfCell } from "./cells.js";
import type { Fail, Part } from "./table.js";
import { toWord } from "./words.js";

const SPELLINGS: ReadonlyMap<string, Part> = new Map([
  ...(["train", "training"] as const).map((text): [string, Part] => [text, "train"]),
  ...(["val", "valid", "validation", "dev"] as const).map((text): [string, Part] => [text, "val"]),
  ...(["test", "testing"] as const).map((text): [string, Part] => [text, "test"]),
]);

/** Columns of true and false, by what they are called: fastai's `is_valid` is true for validation. */
const FLAGS: ReadonlyMap<string, { yes: Part; no: Part }> = new Map([
  ["isvalid", { yes: "val", no: "train" }],
  ["isval", { yes: "val", no: "train" }],
  ["istest", { yes: "test", no: "train" }],
  ["istrain", { yes: "train", no: "val" }],
]);

export function readPart(cell: Cell, column: string, line: number, fail: Fail): Part {
  const text = textOfCell(plain(cell)).toLowerCase();
  const flag = FLAGS.get(toWord(column));
  const bit = text === "" ? undefined : readBit(text);
  const part = flag === undefined || bit === undefined ? SPELLINGS.get(text) : flag[bit ? "yes" : "no"];
  if (part !== undefined) return part;
  throw fail(
    line,
    `the column ${JSON.stringify(column)} holds ${JSON.stringify(text)}, where \`split\` needs train, val or test ` +
      "(training, validation, valid, dev and testing are the same).",
  );
}

/** Vertex AI writes an object of one key. */
function plain(cell: Cell): Cell {
  if (typeof cell !== "object" || cell === null) return cell;
  const values = Object.values(cell);
  return values.length === 1 ? values[0] : cell;
}
