/** The folder of everything canopy can compute or download again: features and backbones. */
import { homedir } from "node:os";
import { join } from "node:path";
import { CanopyError } from "./errors.js";

/**
 * `CANOPY_CACHE` if it is set, else the user's cache folder (on Linux `$XDG_CACHE_HOME/canopy` or `~/.cache/canopy`).
 */
export function cacheFolder(): string {
  const { CANOPY_CACHE, LOCALAPPDATA, XDG_CACHE_HOME } = process.env;
  if (CANOPY_CACHE) return CANOPY_CACHE;
  if (process.platform === "win32") return join(LOCALAPPDATA || join(home(), "AppData/Local"), "canopy/Cache");
  if (process.platform === "darwin") return join(home(), "Library/Caches/canopy");
  return join(XDG_CACHE_HOME || join(home(), ".cache"), "canopy");
}

/** A container may run as a user that the system does not know. */
function home(): string {
  try {
    return homedir();
  } catch (cause) {
    const what = "The user who runs canopy has no home folder, where the cache would be";
    throw new CanopyError("CACHE", `${what}: set CANOPY_CACHE to a folder, or HOME.`, { cause });
  }
}
