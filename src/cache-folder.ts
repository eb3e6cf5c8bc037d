/** Where canopy keeps what it can make or fetch again: features and downloaded backbones. */
import envPaths from "env-paths";

/** `CANOPY_CACHE` where it is set, else the user's cache folder (on Linux `$XDG_CACHE_HOME/canopy` or `~/.cache/canopy`). */
export function cacheFolder(): string {
  return process.env["CANOPY_CACHE"] || envPaths("canopy", { suffix: "" }).cache;
}
