/** What a run is of: model, options and input. A run is resumed, and shards are merged, only where these are the same. */
import { createHash } from "node:crypto";
import { InputError } from "../errors.js";
import type { Checkpoint } from "../head/checkpoint.js";
import type { Shard } from "../predict/name-hash.js";
import type { TileListFacts } from "../predict/tile-list.js";
import type { OutputFormat } from "./paths.js";

/** Version of the run folder and of the manifest that this canopy writes. */
export const RUN_VERSION = 3;

/** Everything that the rows depend on besides the tiles. */
export interface RunSettings {
  format: OutputFormat;
  probabilities: boolean;
  /** One for all tags, or null for the fitted ones. */
  threshold: number | null;
  colorspace: string;
  antialias: boolean;
  maxPixels: number;
  /** Memory one tile may take: what `--memory` leaves for it. */
  maxBytes: number;
  onTruncated: string;
  size: number;
  batchSize: number;
  device: string;
  /** Which decoder makes the pixels: `addon-3`, `sharp-1`. */
  decoder: string;
}

export interface RunIdentity {
  version: number;
  model: { sha256: string; backbone: string; tags: string[] };
  settings: RunSettings;
  input: TileListFacts;
  shard: Shard | null;
}

/** SHA-256 over all of a model that decides its predictions. */
export function hashModel(checkpoint: Checkpoint): string {
  const { tags, thresholds, head, exclusive = [], backboneSha256, preprocessing } = checkpoint;
  const hash = createHash("sha256").update(JSON.stringify([tags, exclusive, backboneSha256, preprocessing]));
  for (const { buffer, byteOffset, byteLength } of [thresholds, head.weight, head.bias]) {
    hash.update(new Uint8Array(buffer, byteOffset, byteLength));
  }
  return hash.digest("hex");
}

/** Throws an InputError where the run or output `where` is of another version of the format. */
export function refuseOtherVersion({ version }: Pick<RunIdentity, "version">, where: string): void {
  if (version === RUN_VERSION) return;
  throw new InputError(
    `${where} was begun by another version of canopy (its format is ${version}, this one's ${RUN_VERSION}): finish it with that one, or start anew with --overwrite.`,
  );
}

/** Sentences like "threshold was 0.2 and is 0.5 now", none where a run of `before` may go on as `now`. The input is not looked at. */
export function differences(before: RunIdentity, now: Omit<RunIdentity, "input">): string[] {
  const flat = (identity: Omit<RunIdentity, "input">): Record<string, unknown> => ({
    "format version": identity.version,
    "model (SHA-256)": identity.model.sha256,
    ...Object.fromEntries(Object.entries(identity.settings).map(([name, value]) => [optionName(name), value])),
    "--shard": identity.shard === null ? null : `${identity.shard.index}/${identity.shard.count}`,
  });
  const [old, current] = [flat(before), flat(now)];
  return Object.keys(current)
    .filter((name) => old[name] !== current[name])
    .map((name) => `${name} was ${show(old[name])} and is ${show(current[name])} now`);
}

/** Settings that are options are called as on the command line. */
function optionName(name: string): string {
  if (name === "maxBytes") return "the memory for one tile, which --memory and the number of cores decide,";
  const options = ["probabilities", "threshold", "colorspace", "maxPixels", "onTruncated", "batchSize", "device"];
  return options.includes(name) ? `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}` : name;
}

function show(value: unknown): string {
  return value === null || value === undefined ? "not given" : String(value);
}
