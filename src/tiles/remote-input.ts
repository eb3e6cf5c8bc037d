/** Addresses as inputs. */
import { extname } from "node:path";
import { InputError } from "../errors.js";
import { conceal, placeOf } from "../remote/address.js";
import { forget } from "../remote/remote-file.js";
import { refusePackedName } from "./packed.js";

/** The path of the tile or archive at `url`, without its secrets. Throws an InputError for a zip, whose directory comes last. */
export function takeRemote(url: string): string {
  const path = conceal(url);
  refusePackedName(placeOf(path));
  if (extname(placeOf(path)).toLowerCase() === ".zip")
    throw new InputError(`${path} is a zip, which is read from disks only: download it, or pack a tar.`);
  forget(path);
  return path;
}
