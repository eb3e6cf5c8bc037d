/**
 * A folder of generated tiles appears whole or not at all: it grows as `<out>.canopy-tmp` and is renamed when it is
 * complete. A later run can go on with the files of an interrupted one.
 */
import { existsSync } from "node:fs";
import { readdir, readFile, rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { InputError } from "../errors.js";
import { publishFolder } from "../files/folder-draft.js";
import { ensureFolder, namesIn } from "../files/output.js";
import { clearDrafts, resumablePath, TEMPORARY_SUFFIX } from "../files/temporary.js";
import { writeWhole } from "../files/write.js";

/** All that a set of tiles depends on; kept beside its tiles. */
interface SynthManifest {
  /** Changes whenever the pixels of a tile may change. */
  generator: number;
  seed: number;
  count: number;
  size: number;
  encoding: "planet" | "rgb";
  /** Tiles per archive, 0 for plain files. */
  tilesPerTar: number;
}

interface Staging {
  /** The folder to write to until `publish`. */
  folder: string;
  /** Names of the files left by an interrupted run, all whole. */
  finished: Set<string>;
  /** Puts the folder in its final place. */
  publish(): Promise<void>;
}

const MANIFEST = "synth.json";

/**
 * Opens the folder. Throws an InputError if something is in the way that the options do not allow to use or replace.
 */
export async function openStaging(
  out: string,
  manifest: SynthManifest,
  options: { overwrite: boolean; resume: boolean },
): Promise<Staging> {
  await checkReplaceable(out, options.overwrite);
  const folder = resumablePath(out);
  if (existsSync(folder)) {
    await claimPartial(folder, manifest, options);
  }
  await ensureFolder(folder);
  await writeWhole(join(folder, MANIFEST), `${JSON.stringify(manifest, null, 2)}\n`);
  const names = (await readdir(folder)).filter((name) => !name.endsWith(TEMPORARY_SUFFIX) && name !== MANIFEST);
  return { folder, finished: new Set(names), publish: () => publishFolder(folder, resolve(out)) };
}

/** An existing folder is replaced only if asked for, and only if it is empty or synth made it. */
async function checkReplaceable(out: string, overwrite: boolean): Promise<void> {
  if (!existsSync(out)) {
    return;
  }
  const names = await namesIn(out);
  if (names.length === 0) {
    return;
  }
  if (!overwrite) {
    throw new InputError(`${out} is not empty: give another folder, or \`overwrite\` to replace it.`);
  }
  if (!names.includes(MANIFEST)) {
    throw new InputError(`${out} holds files that synth did not make: give another folder.`);
  }
}

async function claimPartial(
  folder: string,
  manifest: SynthManifest,
  { overwrite, resume }: { overwrite: boolean; resume: boolean },
): Promise<void> {
  // A run that was killed while it wrote its first file leaves only this.
  await clearDrafts(folder);
  const text = await readFile(join(folder, MANIFEST), "utf8").catch(() => "");
  if (text === "" && (await readdir(folder)).length > 0) {
    throw new InputError(`${folder} is in the way: synth collects its tiles there and did not make that folder.`);
  }
  if (!resume) {
    if (!overwrite && text !== "") {
      throw new InputError(
        `${folder} holds an interrupted run: \`resume\` goes on with it, \`overwrite\` starts again.`,
      );
    }
    await rm(folder, { recursive: true });
  } else if (text !== "" && text !== `${JSON.stringify(manifest, null, 2)}\n`) {
    throw new InputError(
      `${folder} was begun with other settings (see its ${MANIFEST}): repeat those with \`resume\`, or start again with \`overwrite\`.`,
    );
  }
}
