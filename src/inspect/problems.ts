/** What is wrong with a tile set, most important first, each with what to do about it. */
import { describeDark, isLittleOfRange } from "../decode/dark-rasters.js";
import type { LabelFacts } from "./label-facts.js";

export interface Problem {
  /** Stable and machine-readable. */
  code: string;
  count: number;
  /** One or two sentences: what is wrong, and what to do. */
  message: string;
}

/** The facts that problems are found in. */
export interface Findings {
  tiles: number;
  rejected: number;
  sizes: readonly unknown[];
  encodings: readonly {
    encoding: string;
    reading: string;
    tiles: number;
    values: { min: number; max: number } | null;
  }[];
  leftAside: readonly { what: string; tiles: number }[];
  dark: readonly string[];
  bright: readonly string[];
  /** Whether the user said how samples are scaled. */
  stretched: boolean;
  duplicates: readonly { tiles: readonly string[]; conflicting: boolean }[];
  nearDuplicates: readonly unknown[];
  duplicateNames: readonly unknown[];
  labels: LabelFacts | null;
}

/** Tags that fewer tiles have cannot be learned, nor measured. */
const FEW_TILES = 8;

export function findProblems(findings: Findings): Problem[] {
  return [
    ...problemsOfTiles(findings),
    ...(findings.labels ? problemsOfLabels(findings.labels) : []),
    ...notes(findings),
  ]
    .filter(([, count]) => count > 0)
    .map(([code, count, message]) => ({ code, count, message }));
}

type Row = [code: string, count: number, message: string];

function problemsOfTiles({ tiles, rejected, duplicates, duplicateNames }: Findings): Row[] {
  const conflicts = duplicates.filter(({ conflicting }) => conflicting).length;
  return [
    [
      "UNREADABLE",
      rejected,
      `${rejected} of ${tiles} tiles cannot be read; replace or remove them (training and prediction skip them).`,
    ],
    [
      "DUPLICATE_NAMES",
      duplicateNames.length,
      `${plural(duplicateNames.length, "name")} used by more than one tile: train refuses them unless the labels give their folders. Rename or separate them.`,
    ],
    [
      "CONFLICTING_LABELS",
      conflicts,
      `${plural(conflicts, "group")} of identical tiles with different tags: at least one of each is labelled wrongly.`,
    ],
  ];
}

function problemsOfLabels(labels: LabelFacts): Row[] {
  const { labelsWithoutTiles, tilesWithoutLabels, tags, doubts } = labels;
  const rare = tags.filter(({ tiles }) => tiles < FEW_TILES);
  return [
    ...doubts.map(({ code, count, message }): Row => [code, count, message]),
    [
      "LABELS_WITHOUT_TILES",
      labelsWithoutTiles.length,
      `${plural(labelsWithoutTiles.length, "label")} without a tile; train leaves them out.`,
    ],
    [
      "TILES_WITHOUT_LABELS",
      tilesWithoutLabels.length,
      `${plural(tilesWithoutLabels.length, "tile")} without a label; train leaves them out.`,
    ],
    [
      "RARE_TAGS",
      rare.length,
      `${plural(rare.length, "tag")} on fewer than ${FEW_TILES} tiles (${rare.map(({ tag }) => tag).join(", ")}): too few to learn from or to measure.`,
    ],
  ];
}

/** 16 bits of which a sixth at most is used: as 12 bits are, and reflectances of 0 to 10,000. */
function darkRasters({ encodings }: Findings): Row {
  const dark = encodings.filter(
    ({ encoding, values }) => encoding.includes("uint16") && values !== null && isLittleOfRange(values.max),
  );
  const greatest = dark.reduce((most, { values }) => Math.max(most, values?.max ?? 0), 0);
  return ["LITTLE_OF_RANGE", dark.reduce((sum, { tiles }) => sum + tiles, 0), describeDark(greatest)];
}

/** Turned pictures are not upright, and colours of several profiles do not compare. */
function leftAsideOf({ leftAside }: Findings): Row {
  const kinds = leftAside.map(({ what, tiles }) => `${what} (${plural(tiles, "tile")})`);
  const shown = [...kinds.slice(0, 3), ...(kinds.length > 3 ? [`and ${kinds.length - 3} more`] : [])].join(", ");
  return [
    "LEFT_ASIDE",
    Math.max(0, ...leftAside.map(({ tiles }) => tiles)),
    `Files say what canopy does not apply: ${shown}. Pixels are read as they are stored; apply it before if it matters.`,
  ];
}

function notes(findings: Findings): Row[] {
  const { duplicates, nearDuplicates, sizes, encodings, dark, bright } = findings;
  const copies = duplicates.reduce((total, { tiles }) => total + tiles.length - 1, 0);
  const disguised = encodings
    .filter(({ reading }) => reading === "rgb+constant-alpha")
    .reduce((total, { tiles }) => total + tiles, 0);
  const readings = new Set(encodings.map(({ reading }) => reading));
  return [
    ...(findings.stretched ? [] : [darkRasters(findings)]),
    leftAsideOf(findings),
    [
      "NEARLY_BLACK",
      dark.length,
      `${plural(dark.length, "tile is", "tiles are")} nearly black: if they should not be, they are read wrongly; look at one, and at the range of its values.`,
    ],
    [
      "NEARLY_WHITE",
      bright.length,
      `${plural(bright.length, "tile is", "tiles are")} nearly white: if they should not be, they are read wrongly; look at one, and at the range of its values.`,
    ],
    [
      "DUPLICATES",
      copies,
      `${plural(copies, "exact copy", "exact copies")} of other tiles: split between training and validation they flatter the score. Remove them.`,
    ],
    [
      "NEAR_DUPLICATES",
      nearDuplicates.length,
      `${plural(nearDuplicates.length, "group")} of tiles that look alike; have a look before you trust a validation score.`,
    ],
    [
      "MIXED_READINGS",
      readings.size > 1 ? readings.size : 0,
      `The colours are stored in ${readings.size} different ways (${[...readings].join(", ")}); look at an example of each, \`colorspace\` forces one.`,
    ],
    [
      "MIXED_SIZES",
      sizes.length > 1 ? sizes.length : 0,
      `Tiles come in ${sizes.length} sizes; all are resized to the model's.`,
    ],
    [
      "RGBA_IN_DISGUISE",
      disguised,
      `${plural(disguised, "tile")} with RGBA in a JPEG that does not say so: right here, black in TensorFlow, in false colours elsewhere. canopy fix writes them as ordinary RGB.`,
    ],
  ];
}

function plural(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}
