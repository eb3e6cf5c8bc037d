/** Reports what a label file was recognised as. */
import type { RunContext } from "../run-context.js";
import type { LabelTable, Recognised } from "./table.js";

/** Tells what was recognised, and of each doubt. */
export function tellLabels(labels: LabelTable, { onNotice, onWarning }: RunContext): void {
  onNotice?.(describeLabels(labels));
  for (const { message } of labels.doubts) onWarning?.(`${labels.path}: ${message}`);
}

/** One line: `labels.csv: csv with a header; names in "image_name", tags in "tags", separated by space; 17 tags on 600 tiles.` */
export function describeLabels({ path, recognised }: Pick<LabelTable, "path" | "recognised">): string {
  const facts = [describeFile(recognised), ...describeColumns(recognised), describeCounts(recognised)];
  return `${path}: ${facts.join("; ")}.`;
}

const DELIMITERS: Readonly<Record<string, string>> = { ",": "", "\t": "", ";": " with semicolons", "|": " with |" };
const ENCODINGS: Readonly<Record<string, string>> = { "utf-8": "", "windows-1252": " in Latin-1" };

function describeFile({ format, encoding, delimiter, header }: Recognised): string {
  const text = encoding === null ? "" : (ENCODINGS[encoding] ?? ` in ${encoding.toUpperCase()}`);
  const head = header === false ? " without a header" : "";
  return `${format}${delimiter === null ? "" : (DELIMITERS[delimiter] ?? "")}${text}${head}`;
}

function describeColumns(recognised: Recognised): string[] {
  const {
    nameColumn,
    tagColumns,
    multiHot,
    separator,
    splitColumn,
    unusedSplit,
    labelledColumn,
    ignoredColumns,
    header,
  } = recognised;
  if (nameColumn === null) return unusedSplit === null ? [] : [describeUnused(unusedSplit)];
  const say = (column: string) => (header === false ? `column ${column}` : JSON.stringify(column));
  const several =
    tagColumns.length > 3
      ? `${tagColumns.slice(0, 3).map(say).join(", ")} and ${tagColumns.length - 3} more`
      : tagColumns.map(say).join(", ");
  const tags = multiHot ? `a column for each tag (${several})` : `tags in ${several}${describeSeparator(separator)}`;
  return [
    `names in ${say(nameColumn)}, ${tags}`,
    ...(splitColumn === null ? [] : [`parts in ${say(splitColumn)}`]),
    ...(unusedSplit === null ? [] : [describeUnused(unusedSplit)]),
    ...(labelledColumn === null ? [] : [`${say(labelledColumn)} says which tiles are labelled`]),
    ...(ignoredColumns.length === 0
      ? []
      : [
          `ignored: ${ignoredColumns.slice(0, 5).map(say).join(", ")}${ignoredColumns.length > 5 ? ` and ${ignoredColumns.length - 5} more` : ""}`,
        ]),
  ];
}

function describeUnused(column: string): string {
  return `the parts in ${JSON.stringify(column)} are not used (\`split\` would use them)`;
}

function describeSeparator(separator: string | null): string {
  if (separator === null) return "";
  if (separator === "list") return ", as lists";
  return separator === "none" ? ", one in each" : `, separated by ${separator}`;
}

function describeCounts({ tags, tiles, untagged, parts }: Recognised): string {
  const without = untagged === 0 ? "" : `, ${untagged} of them without tags`;
  const inParts = parts === null ? "" : ` (train ${parts.train}, val ${parts.val}, test ${parts.test})`;
  return `${tags} ${tags === 1 ? "tag" : "tags"} on ${tiles} ${tiles === 1 ? "tile" : "tiles"}${inParts}${without}`;
}
