/** The folder of everything canopy can compute or download again: features and backbones. */
import envPaths from "env-paths";

/**
 * `CANOPY_CACHE` if it is set, else the user's cache folder (on Linux `$XDG_CACHE_HOME/canopy` or `~/.cache/canopy`).
 */
export function cacheFolder(): string {
  return process.env["CANOPY_CACHE"] || envPaths("canopy", { suffix: "" }).cache;
}
