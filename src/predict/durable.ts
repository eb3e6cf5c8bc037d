/** Reading the JSON files of a run. */
import { readFile } from "node:fs/promises";
import { FormatError } from "../errors.js";

/** The JSON in `path`, or undefined where there is no such file. */
export async function readJson<T>(path: string): Promise<T | undefined> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
  try {
    return JSON.parse(text) as T;
  } catch (error) {
    throw new FormatError(path, `${path} is not JSON; it may have been damaged.`, { cause: error });
  }
}
