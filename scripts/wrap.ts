/** Wraps the prose of Markdown: paragraphs and list items with a line that is too long. Code, tables and headings stay as they are. */

export const LONGEST_LINE = 160;

const ITEM = /^\s*([-*]|\d+\.) +/;
/** Lines that are no prose, and end what comes before them. */
const OTHER = /^\s*($|```|\||#|<|!\[)/;

export function wrapMarkdown(text: string): string {
  const lines = text.split("\n");
  const wrapped: string[] = [];
  let isCode = false;
  for (let at = 0; at < lines.length; ) {
    const line = lines[at];
    if (line.trimStart().startsWith("```")) isCode = !isCode;
    const end = isCode || OTHER.test(line) ? at + 1 : endOfBlock(lines, at);
    const block = lines.slice(at, end);
    const tooLong = !isCode && !OTHER.test(line) && block.some((each) => each.length > LONGEST_LINE);
    wrapped.push(...(tooLong ? wrapBlock(block) : block));
    at = end;
  }
  return wrapped.join("\n");
}

/** A block is a paragraph, or an item with the lines that are indented below it. */
function endOfBlock(lines: readonly string[], start: number): number {
  const isItem = ITEM.test(lines[start]);
  let end = start + 1;
  while (end < lines.length && !OTHER.test(lines[end]) && !ITEM.test(lines[end])) {
    if (isItem && !lines[end].startsWith(" ")) break;
    end++;
  }
  return end;
}

function wrapBlock(block: readonly string[]): string[] {
  const [first] = block;
  const lead = ITEM.exec(first)?.[0] ?? /^\s*/.exec(first)![0];
  const text = [first.slice(lead.length), ...block.slice(1)].map((line) => line.trim()).join(" ");
  const wrapped: string[] = [];
  let line = lead;
  for (const word of wordsOf(text)) {
    const isEmpty = line.trim() === lead.trim() && line.length === lead.length;
    if (!isEmpty && line.length + 1 + word.length > LONGEST_LINE) {
      wrapped.push(line);
      line = " ".repeat(lead.length) + word;
    } else {
      line += isEmpty ? word : ` ${word}`;
    }
  }
  return [...wrapped, line];
}

/** Words: what stands between backticks is one, with what it touches, and what would mean something at the start of a line clings. */
function wordsOf(text: string): string[] {
  const words: string[] = [];
  for (const word of text.match(/(?:`[^`]*`|[^\s`]|`)+/g) ?? []) {
    if (words.length > 0 && /^([-*+|#>=]+|\d+[.)])$/.test(word)) words.push(`${words.pop()} ${word}`);
    else words.push(word);
  }
  return words;
}
