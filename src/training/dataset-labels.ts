/** The labels of a dataset: which of their tiles are used, and which of their tags a model does not know. */
import { createHash } from "node:crypto";
import { InputError } from "../errors.js";
import { countTags } from "../labels/collect.js";
import { tellLabels } from "../labels/describe.js";
import { readLabels } from "../labels/formats.js";
import type { LabelledTiles } from "../labels/match.js";
import { type LabelOptions, labelOptions } from "../labels/options.js";
import type { LabelTable, Part } from "../labels/table.js";
import type { RunContext } from "../run-context.js";
import type { TagSet } from "../tiles/tag-set.js";

export interface LabelUse extends LabelOptions {
  /** Label file; see readLabels. */
  labels: string;
  /**
   * With `split`: the parts whose tiles are loaded, from the first of these lists whose first part has any. @default
   * all
   */
  parts?: readonly (readonly Part[])[] | undefined;
  /** The tags of an existing model; labels outside it are left out. @default the tags that occur */
  tagSet?: TagSet | undefined;
}

/** A tag that a model does not know, and the number of tiles that have it. */
export interface UnknownTag {
  tag: string;
  tiles: number;
}

/** Reads the label file, reports what was recognised, and keeps the tiles of the parts asked for. */
export async function readDatasetLabels(options: LabelUse, context: RunContext): Promise<LabelTable> {
  const labels = await readLabels(options.labels, labelOptions(options));
  tellLabels(labels, context);
  return takeParts(labels, options.parts ?? [], context);
}

/** Changes with every name, tag and part, and with the order of rows; not with how they are written. */
export function hashLabels({ rows }: LabelTable): string {
  const hash = createHash("sha256");
  for (const { path, tags, part = null } of rows) hash.update(`${JSON.stringify([path, tags, part])}\n`);
  return hash.digest("hex");
}

/** The tiles of the first list of `parts` that has any; without `parts`, all tiles. */
function takeParts(labels: LabelTable, parts: readonly (readonly Part[])[], context: RunContext): LabelTable {
  const counts = labels.recognised.parts;
  if (counts === null || parts.length === 0) return labels;
  const taken = parts.find((each) => counts[each[0]] > 0);
  if (taken === undefined) {
    const wanted = parts.map(([part]) => part).join(" or ");
    throw new InputError(
      `${labels.path} has no tiles for ${wanted} in its column ${labels.recognised.splitColumn} (\`split\`).`,
    );
  }
  const left = (Object.keys(counts) as Part[]).filter((part) => !taken.includes(part) && counts[part] > 0);
  if (left.length > 0) {
    context.onNotice?.(
      `Tiles used are those for ${taken.join(" and ")}; ${left.map((part) => `${counts[part]} for ${part}`).join(" and ")} are left out.`,
    );
  }
  return { ...labels, rows: labels.rows.filter(({ part }) => part !== undefined && taken.includes(part)) };
}

/** The tags of the labels that `tagSet` lacks. @throws InputError if it has none of theirs */
export function tagsOutside(
  { rows }: LabelledTiles,
  { tagSet, labels }: LabelUse,
  { onWarning }: RunContext,
): UnknownTag[] {
  if (tagSet === undefined) return [];
  const counts = [...countTags(rows)].map(([tag, tiles]) => ({ tag, tiles }));
  const unknown = counts.filter(({ tag }) => !tagSet.columns.has(tag)).sort((a, b) => b.tiles - a.tiles);
  if (unknown.length === 0) return [];
  const list = `${unknown
    .slice(0, 5)
    .map(({ tag, tiles }) => `${tag} (${tiles})`)
    .join(", ")}${unknown.length > 5 ? ", ..." : ""}`;
  if (unknown.length === counts.length) {
    throw new InputError(
      `The model knows none of the ${unknown.length} tags in ${labels}: it knows ${tagSet.names.slice(0, 5).join(", ")}, the labels have ${list}.`,
    );
  }
  const touched = rows.filter(({ tags }) => tags.some((tag) => !tagSet.columns.has(tag))).length;
  onWarning?.(
    `The model does not know ${unknown.length} of the ${counts.length} tags in ${labels}, on ${touched} of ${rows.length} tiles: ${list}. They are left out of the score.`,
  );
  return unknown;
}

export function warnUnmatched(matched: LabelledTiles, labels: string, { onWarning }: RunContext): void {
  const { labelsWithoutTiles, tilesWithoutLabels } = matched;
  if (labelsWithoutTiles.length > 0) {
    onWarning?.(
      `${labelsWithoutTiles.length} labels of ${labels} have no tile, the first is ${labelsWithoutTiles[0]}.`,
    );
  }
  if (tilesWithoutLabels.length > 0) {
    onWarning?.(`${tilesWithoutLabels.length} tiles have no label, the first is ${tilesWithoutLabels[0].name}.`);
  }
}
