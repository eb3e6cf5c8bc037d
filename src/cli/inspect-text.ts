/** The report of `inspect` for people: problems first, then facts. */
import type { LabelFacts } from "../inspect/label-facts.js";
import { describeLabels } from "../labels/describe.js";
import type { InspectReport } from "../operations/inspect.js";
import { counted } from "../report/format.js";
import { withFlags } from "./flags.js";
import { printableLine } from "./printable.js";

/** Entries of a list that are shown; --json has them all. */
const SHOWN = 5;

export function describeReport(report: InspectReport): string {
  return [
    describeHeadline(report),
    report.labels === null ? "" : describeLabels(report.labels),
    describeProblems(report),
    describeEncodings(report),
    report.labels === null ? "" : describeTags(report.labels),
  ]
    .filter((part) => part !== "")
    .join("\n\n");
}

function describeHeadline({ tiles, readable, rejected, ignoredFiles, bytes, sizes, labels }: InspectReport): string {
  const sizeNames = sizes.slice(0, 3).map(({ width, height }) => `${width}x${height}`);
  const size = sizes.length > 3 ? `${sizeNames.join(", ")} and ${sizes.length - 3} other sizes` : sizeNames.join(", ");
  const facts = [
    counted(tiles, "tile"),
    rejected > 0 ? `${readable} readable, ${rejected} not` : "all readable",
    ...(size === "" ? [] : [size]),
    `${(bytes / 2 ** 20).toFixed(1)} MiB`,
    ...(labels === null ? [] : [`${labels.rowsWithTiles} labelled, ${counted(labels.tags.length, "tag")}`]),
    ...(ignoredFiles > 0 ? [`${counted(ignoredFiles, "other file")} ignored`] : []),
  ];
  return facts.join("; ");
}

function describeProblems(report: InspectReport): string {
  if (report.problems.length === 0) {
    return "Nothing is wrong with it.";
  }
  const lines = report.problems.flatMap(({ code, message }) => [
    `- ${withFlags(message)}`,
    ...examplesOf(code, report),
  ]);
  return ["What to know, most important first:", ...lines].join("\n");
}

function examplesOf(code: string, report: InspectReport): string[] {
  const examples: Record<string, () => string[]> = {
    UNREADABLE: () => report.rejects.map(({ path, message }) => `${path}: ${withFlags(message)}`),
    DUPLICATE_NAMES: () => report.duplicateNames.map(({ tiles }) => tiles.join(" = ")),
    CONFLICTING_LABELS: () =>
      report.duplicates.filter((group) => group.conflicting).map(({ tiles }) => tiles.join(" = ")),
    LABELS_WITHOUT_TILES: () => report.labels?.labelsWithoutTiles ?? [],
    TILES_WITHOUT_LABELS: () => report.labels?.tilesWithoutLabels ?? [],
    ROWS_WITHOUT_TAGS: () => report.labels?.rowsWithoutTags ?? [],
    LEFT_ASIDE: () => report.leftAside.map(({ what, example }) => `${what}: ${example}`),
    NEARLY_BLACK: () => report.dark,
    NEARLY_WHITE: () => report.bright,
    DUPLICATES: () => report.duplicates.map(({ tiles }) => tiles.join(" = ")),
    NEAR_DUPLICATES: () =>
      report.nearDuplicates.map(({ tiles, distance }) => `${tiles.join(" ~ ")} (${distance} of 64 bits differ)`),
    MIXED_READINGS: () => report.encodings.map(({ reading, example }) => `${reading}: ${example}`),
  };
  const doubt = report.labels?.doubts.find((each) => each.code === code);
  const list = examples[code]?.() ?? doubt?.examples ?? [];
  const more = list.length > SHOWN ? [`and ${list.length - SHOWN} more (--json lists all)`] : [];
  return [...list.slice(0, SHOWN), ...more].map((line) => `    ${printableLine(line)}`);
}

function describeEncodings({ encodings }: InspectReport): string {
  if (encodings.length === 0) {
    return "";
  }
  return alignColumns(
    ["encoding", "read as", "values", "tiles"],
    encodings.map(({ encoding, reading, values, tiles }) => [encoding, reading, describeValues(values), String(tiles)]),
  );
}

function describeValues(values: { min: number; max: number } | null): string {
  return values === null ? "" : [values.min, values.max].map((value) => Number(value.toPrecision(6))).join(" to ");
}

/** Each tag with how often it occurs, and the tags it most often goes with. */
function describeTags({ tags, cooccurrence, rowsWithTiles }: LabelFacts): string {
  if (tags.length === 0) {
    return "";
  }
  const rows = tags.map(({ tag, tiles }, i) => [
    tag,
    String(tiles),
    `${((100 * tiles) / rowsWithTiles).toFixed(1)} %`,
    companionsOf(i, tags, cooccurrence),
  ]);
  return alignColumns(["tag", "tiles", "share", "together with (share of its tiles)"], rows);
}

function companionsOf(own: number, tags: LabelFacts["tags"], cooccurrence: number[][]): string {
  return tags
    .map(({ tag }, other) => ({ tag, share: cooccurrence[own][other] / tags[own].tiles, other }))
    .filter(({ other, share }) => other !== own && share > 0)
    .sort((a, b) => b.share - a.share)
    .slice(0, 4)
    .map(({ tag, share }) => `${tag} ${Math.round(100 * share)} %`)
    .join(", ");
}

/** Columns as wide as their widest cell; those of numbers to the right. */
function alignColumns(header: readonly string[], rows: readonly string[][]): string {
  const widths = header.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column].length)));
  const numeric = header.map((_, column) => rows.every((row) => /^[\d.]+( %)?$/.test(row[column])));
  const pad = (cell: string, column: number) =>
    numeric[column] ? cell.padStart(widths[column]) : cell.padEnd(widths[column]);
  return [header, widths.map((width) => "-".repeat(width)), ...rows]
    .map((cells) => cells.map(pad).join("  ").trimEnd())
    .join("\n");
}
