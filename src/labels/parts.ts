/** What a column says of the part that a tile belongs to. */
import { type Cell, textOfCell } from "./cells.js";
import type { Fail, Part } from "./table.js";
import { toWord } from "./words.js";

const SPELLINGS: Readonly<Record<string, Part>> = {
  train: "train",
  training: "train",
  val: "val",
  valid: "val",
  validation: "val",
  dev: "val",
  test: "test",
  testing: "test",
};

/** fastai's `is_valid` is true for validation. */
const OF_VALIDITY: Readonly<Record<string, Part>> = { true: "val", false: "train", 1: "val", 0: "train" };

export function readPart(cell: Cell, column: string, line: number, fail: Fail): Part {
  const text = textOfCell(plain(cell)).toLowerCase();
  const part = (toWord(column) === "isvalid" ? OF_VALIDITY : SPELLINGS)[text];
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
