/** Tiles that are the same, byte by byte or visually. */
import { cellDifference, type Fingerprint, hashDistance } from "./perceptual-hash.js";

/** Most bits in which the hashes of near-duplicates differ. */
export const NEAR_DISTANCE = 5;

/** Most levels by which the cells of near-duplicates differ on average, brightness aside. */
const NEAR_DIFFERENCE = 3;

/** Pictures flatter than this (in levels) have no pattern to compare: closed cloud and haze are all alike. */
const LEAST_CONTRAST = 2;

/** Bits per band. Two hashes within NEAR_DISTANCE agree in at least one of NEAR_DISTANCE + 1 = 6 bands. */
const BANDS = [11, 11, 11, 11, 10, 10];

interface NearGroup {
  /** Positions of the tiles, ascending. */
  members: number[];
  /** Largest number of differing bits among the pairs found. */
  distance: number;
}

/** Positions of equal keys, groups of two or more, in the order of their first members. */
export function groupEqual(keys: readonly (string | undefined)[]): number[][] {
  const groups = new Map<string, number[]>();
  for (const [position, key] of keys.entries()) {
    if (key !== undefined) {
      const group = groups.get(key);
      if (group === undefined) {
        groups.set(key, [position]);
      } else {
        group.push(position);
      }
    }
  }
  return [...groups.values()].filter((group) => group.length > 1);
}

/** Groups of pictures that look alike; `undefined` entries are left out. */
export function groupNear(prints: readonly (Fingerprint | undefined)[]): NearGroup[] {
  const parents = prints.map((_, position) => position);
  const root = (position: number): number => {
    let at = position;
    while (parents[at] !== at) {
      parents[at] = parents[parents[at]];
      at = parents[at];
    }
    return at;
  };
  const pairs = [...nearPairs(prints)];
  for (const [a, b] of pairs) {
    parents[Math.max(root(a), root(b))] = Math.min(root(a), root(b));
  }
  const groups = new Map<number, NearGroup>();
  for (const [a, b, distance] of pairs) {
    const group = groups.get(root(a)) ?? { members: [], distance: 0 };
    group.members.push(a, b);
    group.distance = Math.max(group.distance, distance);
    groups.set(root(a), group);
  }
  return [...groups.values()]
    .map(({ members, distance }) => ({ members: [...new Set(members)].sort((a, b) => a - b), distance }))
    .sort((a, b) => a.members[0] - b.members[0]);
}

/** Pairs within the limits: candidates share a band of their hash, so that not every pair is compared. */
function* nearPairs(prints: readonly (Fingerprint | undefined)[]): Generator<[number, number, number]> {
  const seen = new Set<number>();
  let shift = 0;
  for (const bits of BANDS) {
    const buckets = new Map<number, number[]>();
    for (const [position, print] of prints.entries()) {
      if (print === undefined || print.contrast < LEAST_CONTRAST) {
        continue;
      }
      const band = bitsOf(print.hash, shift, bits);
      const bucket = buckets.get(band) ?? [];
      for (const other of bucket) {
        const distance = near(prints[other]!, print);
        const pair = other * prints.length + position;
        if (distance !== undefined && !seen.has(pair)) {
          seen.add(pair);
          yield [other, position, distance];
        }
      }
      bucket.push(position);
      buckets.set(band, bucket);
    }
    shift += bits;
  }
}

function near(a: Fingerprint, b: Fingerprint): number | undefined {
  const distance = hashDistance(a.hash, b.hash);
  return distance <= NEAR_DISTANCE && cellDifference(a.cells, b.cells) <= NEAR_DIFFERENCE ? distance : undefined;
}

function bitsOf([low, high]: Fingerprint["hash"], shift: number, count: number): number {
  const mask = 2 ** count - 1;
  if (shift >= 32) {
    return (high >>> (shift - 32)) & mask;
  }
  const bits = shift + count > 32 ? (low >>> shift) | (high << (32 - shift)) : low >>> shift;
  return bits & mask;
}
