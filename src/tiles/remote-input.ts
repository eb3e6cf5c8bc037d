/** Addresses as inputs. */
import { extname } from "node:path";
import { InputError } from "../errors.js";
import { conceal, isRemote, placeOf } from "../remote/address.js";
import { forget } from "../remote/remote-file.js";
import { refusePackedName } from "./packed.js";

/** The addresses of an input, by what is shown of them. */
export type Addresses = Map<string, string>;

/**
 * The path of the tile or archive at `url`, without its secrets. Throws an InputError for a zip, whose directory comes
 * last, and for an address that looks as another of `addresses` does: one would be read for the other.
 */
export function takeRemote(url: string, addresses: Addresses = new Map()): string {
  const path = conceal(url);
  refuseTwin(path, url.replace(/#.*$/s, ""), addresses);
  refusePackedName(placeOf(path));
  if (extname(placeOf(path)).toLowerCase() === ".zip")
    throw new InputError(`${path} is a zip, which is read from disks only: download it, or pack a tar.`);
  forget(path);
  return path;
}

/** The same of a line of a list; a path of a disk as it is. */
export function takePath(path: string, addresses?: Addresses): string {
  return isRemote(path) ? takeRemote(path, addresses) : path;
}

function refuseTwin(path: string, address: string, addresses: Addresses): void {
  if (path === address) return;
  const other = addresses.get(path);
  if (other !== undefined && other !== address) {
    throw new InputError(
      `Two addresses ${path} differ in passwords, signatures or other secrets alone, which no output may show, so that ` +
        "nothing would tell their tiles apart: leave one out, or give it to a run of its own.",
    );
  }
  addresses.set(path, address);
}
