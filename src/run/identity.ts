/**
 * The identity of a run: model, options and input. A run is resumed, and shards are merged, only if these are the same.
 */
import { createHash } from "node:crypto";
import { InputError } from "../errors.js";
import { readJson } from "../files/read-json.js";
import type { Checkpoint } from "../head/checkpoint.js";
import { IDENTITY, MANIFEST, RUN_VERSION, type RunIdentity, type RunManifest, VERSIONED } from "./formats.js";
import { type RunPaths, runFiles } from "./paths.js";

/** The identity before the input is known. */
export type RunKind = Omit<RunIdentity, "input">;

/** SHA-256 over everything in a model that its predictions depend on. */
export function hashModel(checkpoint: Checkpoint): string {
  const {
    tags,
    thresholds,
    head,
    exclusive = [],
    exactlyOne,
    backboneSha256,
    preprocessing,
    precision,
    card,
  } = checkpoint;
  const rounding = precision === undefined || precision === "fp32" ? [] : [precision, card.ranges];
  const facts = [tags, exclusive, backboneSha256, preprocessing, ...rounding];
  const hash = createHash("sha256").update(JSON.stringify(facts));
  if (exactlyOne) hash.update("exactly one");
  for (const { buffer, byteOffset, byteLength } of [thresholds, head.weight, head.bias]) {
    hash.update(new Uint8Array(buffer, byteOffset, byteLength));
  }
  return hash.digest("hex");
}

/**
 * The identity of the run in `folder`, undefined if there is none. Throws an InputError for a run of another
 * version, FormatError.
 */
export async function readIdentity(folder: string): Promise<RunIdentity | undefined> {
  const { identity } = runFiles(folder);
  const versioned = await readJson(identity, VERSIONED, { advice: BEGIN_ANEW });
  if (versioned === undefined) return undefined;
  refuseOtherVersion(versioned, `The run in ${folder}`);
  return readJson(identity, IDENTITY, { advice: BEGIN_ANEW });
}

/**
 * The manifest of the finished output of `paths`, undefined if there is none. Throws an InputError for another
 * version, FormatError.
 */
export async function readManifest({ out, manifest }: RunPaths): Promise<RunManifest | undefined> {
  const versioned = await readJson(manifest, VERSIONED, { advice: PREDICT_ANEW });
  if (versioned === undefined) return undefined;
  refuseOtherVersion(versioned, out);
  return readJson(manifest, MANIFEST, { advice: PREDICT_ANEW });
}

const BEGIN_ANEW = "Begin the run anew with `overwrite`.";
const PREDICT_ANEW = "Predict anew with `overwrite`.";

function refuseOtherVersion({ version }: { version: number }, what: string): void {
  if (version === RUN_VERSION) return;
  throw new InputError(
    `${what} was begun by another version of canopy (its format is ${version}, this one's ${RUN_VERSION}): finish it ` +
      "with that one, or start anew with `overwrite`.",
  );
}

/**
 * Sentences like "`threshold` was 0.2 and is 0.5 now", none if a run of `before` may go on as `now`. The input is not
 * compared. `say` words the two values.
 */
export function differences(
  before: RunKind,
  now: RunKind,
  say = (was: string, is: string) => `was ${was} and is ${is} now`,
): string[] {
  const flat = (kind: RunKind): Record<string, unknown> => ({
    "format version": kind.version,
    "model (SHA-256)": kind.model.sha256,
    ...Object.fromEntries(
      Object.entries({ names: "file", ...kind.settings }).map(([name, value]) => [settingName(name), value]),
    ),
    "`shard`": kind.shard === null ? null : `${kind.shard.index}/${kind.shard.count}`,
  });
  const [old, current] = [flat(before), flat(now)];
  return Object.keys(current)
    .filter((name) => old[name] !== current[name])
    .map((name) => `${name} ${say(show(old[name]), show(current[name]))}`);
}

/** Settings that are options have the names of these. */
function settingName(name: string): string {
  if (name === "maxBytes") return "the memory for one tile, which `memory` and the number of cores decide,";
  const options = [
    "probabilities",
    "names",
    "escapeFormulas",
    "threshold",
    "colorspace",
    "maxPixels",
    "onTruncated",
    "batchSize",
    "device",
  ];
  return options.includes(name) ? `\`${name}\`` : name;
}

function show(value: unknown): string {
  return value === null || value === undefined ? "not given" : String(value);
}
