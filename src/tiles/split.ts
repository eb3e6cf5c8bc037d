/**
 * Stratified splits of multi-label sets: which tiles train, which are held out, and which fold each belongs to. Rare tags are spread
 * first (Sechidis, Tsoumakas and Vlahavas, On the Stratification of Multi-Label Data, 2011). Rows of one group go where the first goes.
 */
import { checkInRange, checkInteger } from "../check.js";
import { createRandom, permutation, type Random } from "../random.js";
import { type LabelMatrix, tagSupport } from "./label-matrix.js";

export interface Split {
  /** Row indices, ascending. */
  train: Uint32Array;
  heldOut: Uint32Array;
}

/**
 * Holds out about `share` of the rows (0 for none), stratified: a tag with two tiles or more has one on either side
 * (unless they are of one group).
 */
export function splitRows(labels: LabelMatrix, share: number, seed: number): Split {
  checkInRange("share", share, 0, 0.9);
  const part = share === 0 ? new Uint8Array(labels.rows) : stratify(labels, [1 - share, share], seed);
  return { train: rowsWhere(part, (side) => side === 0), heldOut: rowsWhere(part, (side) => side === 1) };
}

/** About `count` of the rows, ascending, stratified. */
export function sampleRows(labels: LabelMatrix, count: number, seed: number): Uint32Array {
  const share = count / labels.rows;
  const part = stratify(labels, [1 - share, share], seed);
  return rowsWhere(part, (side) => side === 1);
}

/** Fold 0..folds-1 of each row, of equal size (as far as groups allow) and stratified; at most 255 folds. */
export function kFold(labels: LabelMatrix, folds: number, seed: number): Uint8Array {
  checkInteger("folds", folds, 2, Math.min(255, Math.max(2, labels.rows)));
  return stratify(labels, new Array<number>(folds).fill(1 / folds), seed);
}

/** `[0, rows)` */
export function allRows(rows: number): Uint32Array {
  return Uint32Array.from({ length: rows }, (_, row) => row);
}

/** `[0, rows)` without `left`. */
export function rowsWithout(rows: number, left: Uint32Array): Uint32Array {
  const out = new Uint8Array(rows);
  for (const row of left) out[row] = 1;
  return rowsWhere(out, (each) => each === 0);
}

/** Rows whose part satisfies `test`, ascending. */
export function rowsWhere(parts: Uint8Array, test: (part: number) => boolean): Uint32Array {
  return Uint32Array.from([...parts.keys()].filter((row) => test(parts[row])));
}

/** Iterative stratification into parts of the given `shares` (summing to 1): the part of each row. */
function stratify(labels: LabelMatrix, shares: readonly number[], seed: number): Uint8Array {
  const numTags = labels.tags.length;
  const random = createRandom(seed);
  const support = tagSupport(labels);
  const state: Stratification = {
    part: new Uint8Array(labels.rows).fill(NONE),
    wantedRows: shares.map((share) => share * labels.rows),
    wantedOfTag: shares.map((share) => Float64Array.from(support, (count) => share * count)),
    left: support.slice(),
    random,
  };
  ensureBothSides(state, support);
  const equals = equalsOf(labels);
  const place = (row: number, part: number) => {
    for (const each of equals(row)) assign(state, labels, each, part);
  };
  const order = permutation(labels.rows, random);
  for (let tag = rarest(state.left); tag !== -1; tag = rarest(state.left)) {
    for (const row of order) {
      if (state.part[row] === NONE && labels.data[row * numTags + tag] === 1) {
        place(row, choosePart(state, tag));
      }
    }
  }
  for (const row of order) {
    if (state.part[row] === NONE) place(row, choosePart(state, undefined));
  }
  return state.part;
}

/** All rows of the group of a row, which is one of them. */
function equalsOf({ groups }: LabelMatrix): (row: number) => readonly number[] {
  if (groups === undefined) return (row) => [row];
  const members = new Map<number, number[]>();
  for (const [row, group] of groups.entries()) {
    const known = members.get(group);
    if (known === undefined) members.set(group, [row]);
    else known.push(row);
  }
  return (row) => members.get(groups[row]) ?? [row];
}

interface Stratification {
  part: Uint8Array;
  /** Rows each part still needs. */
  wantedRows: number[];
  /** Rows of each tag each part still needs. */
  wantedOfTag: Float64Array[];
  /** Unassigned rows of each tag. */
  left: Uint32Array;
  random: Random;
}

const NONE = 255;

/** A part that needs less than one of a tag's two or three tiles would get none; it gets a need of one. */
function ensureBothSides({ wantedOfTag }: Stratification, support: Uint32Array): void {
  support.forEach((count, tag) => {
    if (count < wantedOfTag.length) return;
    const lacking = wantedOfTag.filter((wanted) => wanted[tag] < 1);
    if (lacking.length === 0) return;
    for (const wanted of lacking) wanted[tag] = 1;
    const rest = wantedOfTag.filter((wanted) => !lacking.includes(wanted));
    for (const wanted of rest) wanted[tag] = Math.max(1, (count - lacking.length) / rest.length);
  });
}

/** The tag with the fewest unassigned rows, at least one; -1 if no unassigned row has a tag. */
function rarest(left: Uint32Array): number {
  return left.reduce((best, count, tag) => (count > 0 && (best === -1 || count < left[best]) ? tag : best), -1);
}

/** The part that needs most of `tag`; among equals the one that needs most rows; among those a random one. */
function choosePart({ wantedRows, wantedOfTag, random }: Stratification, tag: number | undefined): number {
  const parts = [...wantedRows.keys()];
  const byTag = tag === undefined ? parts : largestOf(parts, (part) => wantedOfTag[part][tag]);
  const byRows = largestOf(byTag, (part) => wantedRows[part]);
  return byRows[random.below(byRows.length)] as number;
}

function largestOf(parts: number[], score: (part: number) => number): number[] {
  const most = Math.max(...parts.map(score));
  return parts.filter((part) => score(part) >= most - 1e-9);
}

function assign(state: Stratification, labels: LabelMatrix, row: number, part: number): void {
  const numTags = labels.tags.length;
  state.part[row] = part;
  state.wantedRows[part] -= 1;
  for (let tag = 0; tag < numTags; tag++) {
    state.wantedOfTag[part][tag] -= labels.data[row * numTags + tag];
    state.left[tag] -= labels.data[row * numTags + tag];
  }
}
