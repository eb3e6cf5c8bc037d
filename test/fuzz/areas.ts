/** What can be fuzzed, by name. */
import { mkdirSync } from "node:fs";
import { archiveArea } from "./areas/archives.js";
import { jobArea } from "./areas/jobs.js";
import { labelArea } from "./areas/labels.js";
import { modelArea } from "./areas/models.js";
import { networkArea } from "./areas/networks.js";
import { rasterArea } from "./areas/rasters.js";
import { runArea } from "./areas/runs.js";
import type { Area } from "./fuzzer.js";

const AREAS = {
  archives: archiveArea,
  jobs: jobArea,
  labels: labelArea,
  models: modelArea,
  networks: networkArea,
  rasters: rasterArea,
  runs: runArea,
} as const satisfies Record<string, (folder: string) => Area | Promise<Area>>;

export type AreaName = keyof typeof AREAS;
export const AREA_NAMES = Object.keys(AREAS) as AreaName[];

/** The area `name`, which works in `folder`. */
export async function openArea(name: AreaName, folder: string): Promise<Area> {
  mkdirSync(folder, { recursive: true });
  return AREAS[name](folder);
}
