/** HTML that is escaped unless it was made here: text from files cannot become markup. */

// JSON has no symbols, so data is never taken for markup.
const MARKUP = Symbol("markup");

export interface Html {
  readonly [MARKUP]: string;
}

export type Content = Html | string | number | null | false | undefined | readonly Content[];

/** Template tag: text is escaped, markup and lists of either go in as they are, null, false and undefined as nothing. */
export function html(strings: TemplateStringsArray, ...values: Content[]): Html {
  return trusted(strings.map((part, i) => (i < values.length ? part + render(values[i]) : part)).join(""));
}

/** Marks `text` as markup; only for text this program wrote itself. */
export function trusted(text: string): Html {
  return { [MARKUP]: text };
}

/** The markup as text, everything else escaped. */
export function render(content: Content): string {
  if (content === null || content === undefined || content === false) {
    return "";
  }
  if (isList(content)) {
    return content.map(render).join("");
  }
  return typeof content === "object" && MARKUP in content ? content[MARKUP] : escapeHtml(String(content));
}

export function escapeHtml(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

function isList(content: Content): content is readonly Content[] {
  return Array.isArray(content);
}
