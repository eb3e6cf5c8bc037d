/** What can be fuzzed, by name. */
import { mkdirSync } from "node:fs";
import { archiveArea } from "./areas/archives.js";
import { compressedArea } from "./areas/compressed.js";
import { indexArea } from "./areas/indexes.js";
import { jobArea } from "./areas/jobs.js";
import { labelArea } from "./areas/labels.js";
import { modelArea } from "./areas/models.js";
import { networkArea } from "./areas/networks.js";
import { outputArea } from "./areas/outputs.js";
import { rasterArea } from "./areas/rasters.js";
import { runArea } from "./areas/runs.js";
import { serverArea } from "./areas/servers.js";
import { textArea } from "./areas/texts.js";
import type { Area } from "./fuzzer.js";

const AREAS = {
  archives: archiveArea,
  compressed: compressedArea,
  indexes: indexArea,
  jobs: jobArea,
  labels: labelArea,
  models: modelArea,
  networks: networkArea,
  outputs: outputArea,
  rasters: rasterArea,
  runs: runArea,
  servers: serverArea,
  texts: textArea,
} as const satisfies Record<string, (folder: string) => Area | Promise<Area>>;

export type AreaName = keyof typeof AREAS;
export const AREA_NAMES = Object.keys(AREAS) as AreaName[];

/** The area `name`, which works in `folder`. */
export async function openArea(name: AreaName, folder: string): Promise<Area> {
  mkdirSync(folder, { recursive: true });
  return AREAS[name](folder);
}
