/** Lists of tags as JSON and Python write them: ["a", "b"], ['a', 'b'], [1, 2], and NumPy's ['a' 'b']. */

/** The items of `text`, or undefined if it is no flat list of texts and numbers. */
export function parseList(text: string): string[] | undefined {
  const items: string[] = [];
  const inside = /^\s*[[({]([\s\S]*)[\])}]\s*$/.exec(text)?.[1];
  if (inside === undefined) return undefined;
  ITEM.lastIndex = 0;
  while (ITEM.lastIndex < inside.length) {
    const match = ITEM.exec(inside);
    if (match === null) return undefined;
    const [, single, double, bare] = match;
    if (bare?.includes("...")) return undefined; // NumPy left some out
    const item = single ?? double;
    if (item !== undefined) items.push(withoutEscapes(item));
    else if (bare !== undefined) items.push(...bareItems(bare.trim()));
  }
  return items;
}

/** NumPy has no commas between numbers. */
function bareItems(text: string): string[] {
  return /^[-+.\d\s]+$/.test(text) ? text.split(/\s+/) : [text];
}

/** A quoted text, a bare word or number, or nothing; then a comma, white space or the end. */
const ITEM =
  /\s*(?:[ubr]?'((?:[^'\\]|\\[\s\S])*)'|[ubr]?"((?:[^"\\]|\\[\s\S])*)"|([^\s'"[\](){},:][^'"[\](){},:]*))?(?:\s*,\s*|\s+|$)/guy;

const ESCAPES: Readonly<Record<string, string>> = { n: "\n", t: "\t", r: "\r", b: "\b", f: "\f", "0": "\0" };

function withoutEscapes(text: string): string {
  return text.replace(/\\(?:u([0-9a-f]{4})|x([0-9a-f]{2})|([\s\S]))/gi, (_, four, two, one) =>
    one === undefined ? String.fromCharCode(Number.parseInt(four ?? two, 16)) : (ESCAPES[one] ?? one),
  );
}
