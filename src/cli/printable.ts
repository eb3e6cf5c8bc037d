/** Printed text may hold names, tags and messages of strangers, which must not control the terminal. */

/** Control characters but tabs and line ends, Unicode's separators of lines, and marks that turn the writing round. */
const STEERING =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g;

/** `text` with what steers a terminal as `\u001b`; in JSON that means the same as before. */
export function printable(text: string): string {
  return text.replaceAll(STEERING, escaped);
}

/** The same on one line, for names in lists and tables. */
export function printableLine(text: string): string {
  return printable(text).replaceAll(/[\t\n]/g, escaped);
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
