/** The trials of `bench preprocess` as data: the contenders, their threads, and those that cannot run. */
import type { Compared } from "./colours.js";
import { findPython, PYTHON_LIBRARIES } from "./python.js";

export interface Trial {
  /** Name in tables and JSON; with `threads` it is unique. */
  name: string;
  threads: number;
  /** Name in contender-main.ts or PYTHON_PROGRAM. */
  contender: string;
  python?: string;
  /** How its colours are checked; absent: not at all. */
  compared?: Compared;
}

export interface AbsentTrial {
  name: string;
  reason: string;
}

export const CEILING = "libjpeg-turbo alone";
export const STAGES_NAME = "canopy's stages";
export const CANOPY = "canopy";

/** One process each, in the order in which every round goes through them. */
export async function listTrials(
  workers: readonly number[],
  fourComponents: boolean,
): Promise<{ trials: Trial[]; absent: AbsentTrial[] }> {
  const threads = Math.max(...workers);
  const trials: Trial[] = [
    { name: CEILING, contender: "ceiling", threads: 1 },
    { name: STAGES_NAME, contender: "stages", threads: 1 },
    ...workers.map((count): Trial => {
      return { name: CANOPY, contender: "canopy", threads: count, compared: "resized" };
    }),
    { name: "sharp", contender: "sharp", threads, compared: "full size" },
  ];
  const absent: AbsentTrial[] = [];
  const workaround = "sharp, colours worked around";
  if (fourComponents) {
    trials.push({ name: workaround, contender: "sharp-workaround", threads, compared: "full size" });
  } else {
    absent.push({ name: workaround, reason: "no tile has four components" });
  }
  for (const library of PYTHON_LIBRARIES) {
    const python = await findPython(`numpy, ${library.module}`);
    if (python === undefined) absent.push({ name: library.name, reason: "not installed" });
    else trials.push({ name: library.name, contender: library.module, threads: 1, python, compared: "full size" });
  }
  return { trials, absent };
}

/** 1, 2, 4, ... and the largest; all numbers up to four. */
export function workerCounts(most: number): number[] {
  const counts = most <= 4 ? Array.from({ length: most }, (_, i) => i + 1) : [1, 2, 4];
  for (let count = 8; count < most; count *= 2) counts.push(count);
  return counts.includes(most) ? counts : [...counts, most];
}
