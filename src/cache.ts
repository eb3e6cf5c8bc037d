/** Where canopy keeps what it can make or fetch again: downloaded and imported backbones, cached features. */
import { join } from "node:path";
import envPaths from "env-paths";

/** `$CANOPY_CACHE`, or the platform's cache folder for canopy; `parts` are folders inside it. Nothing is created. */
export function cacheFolder(...parts: string[]): string {
  const root = process.env["CANOPY_CACHE"] || envPaths("canopy", { suffix: "" }).cache;
  return join(root, ...parts);
}
