/** Schemas of a run's files, which are checked by them when read. docs/formats.md explains each key. */
import * as v from "valibot";
import { COLORSPACES } from "../decode/decoder.js";
import { DEVICES } from "../features/device.js";
import { count, positive, sha256 } from "../files/schemas.js";
import { NAMINGS } from "../tiles/names.js";
import { OUTPUT_FORMATS } from "./paths.js";

/** Version of the run folder and of the manifest that this canopy writes. */
export const RUN_VERSION = 4;

const FILE_FACTS = v.object({ bytes: count, sha256 });

/** Of a run of any version. */
export const VERSIONED = v.object({ version: v.number() });

/** Everything that the rows depend on besides the tiles. */
const SETTINGS = v.object({
  format: v.picklist(OUTPUT_FORMATS),
  probabilities: v.boolean(),
  /** What tiles are called; absent: by their files. */
  names: v.exactOptional(v.picklist(NAMINGS)),
  /** Of a CSV. Runs of before the option have none. */
  escapeFormulas: v.optional(v.boolean(), false),
  /** Features of an embedding, if rows hold embeddings in place of tags. */
  numFeatures: v.exactOptional(positive),
  /** One for all tags, or null for the fitted ones. */
  threshold: v.nullable(v.number()),
  colorspace: v.picklist(COLORSPACES),
  antialias: v.boolean(),
  maxPixels: positive,
  /** Memory one tile may take: what the budget leaves for it. */
  maxBytes: positive,
  onTruncated: v.picklist(["reject", "accept"]),
  size: positive,
  batchSize: positive,
  device: v.picklist(DEVICES),
  /** Which decoder makes the pixels: `addon-3`, `sharp-1`. */
  decoder: v.string(),
});

/** `run.json`: model, options and input. A run is resumed, and shards are merged, only if these are the same. */
export const IDENTITY = v.object({
  version: v.number(),
  model: v.object({ sha256, backbone: v.string(), tags: v.array(v.string()) }),
  settings: SETTINGS,
  input: v.object({
    tiles: count,
    /** Over where all tiles are, without sizes and times of their files. */
    sha256,
    /** `tiles` is null if whole archives were dealt out: nobody has listed all. */
    whole: v.object({ tiles: v.nullable(count), namesSha256: sha256 }),
    /** SHA-256 of an archive that came on standard input; null if there was none. */
    stdin: v.nullable(sha256),
  }),
  shard: v.nullable(v.object({ index: positive, count: positive })),
});
export type RunIdentity = v.InferOutput<typeof IDENTITY>;

/** `<out>.manifest.json`: what an output holds and how it came to be. */
export const MANIFEST = v.object({
  ...IDENTITY.entries,
  tiles: count,
  predicted: count,
  rejected: count,
  output: FILE_FACTS,
  /** Null if nothing was rejected and there is no such file. */
  rejects: v.nullable(FILE_FACTS),
  /** SHA-256 of the tile list with sizes and times of files; null if shards were merged. */
  contents: v.optional(v.nullable(sha256), null),
});
export type RunManifest = v.InferOutput<typeof MANIFEST>;

/** A line of the rejects file. */
const REJECT = v.object({ path: v.string(), name: v.string(), code: v.string(), message: v.string() });
export type Reject = v.InferOutput<typeof REJECT>;

/** The record of a part. */
export const PART_RECORD = v.object({
  part: count,
  /** Number of the part's first tile in the tile list, from 0. */
  first: count,
  /** predicted + rejected */
  tiles: count,
  predicted: count,
  rejected: count,
  /** Over where its tiles are: see `TilesHash`. */
  tilesSha256: sha256,
  /** Of the rows file. */
  bytes: count,
  sha256,
  rejects: v.array(REJECT),
  /** Of the values of `rejects`; records of older versions have none. */
  rejectsSha256: v.optional(sha256),
});
export type PartRecord = v.InferOutput<typeof PART_RECORD>;

/** `queue.json`: what workers of a queue need to know of a run besides its identity. */
export const QUEUE_FACTS = v.object({
  queue: v.string(),
  /** Tiles of a part; the last may have fewer. */
  partTiles: positive,
  /** Byte of the tile list at which each part begins. */
  offsets: v.array(count),
  /** Folder of the model. */
  model: v.string(),
  /** The backbone's file, or null for the place its card names. */
  backbone: v.nullable(v.string()),
  /** See `WatchOptions`. */
  maxUnreadable: v.nullable(positive),
});
export type QueueFacts = v.InferOutput<typeof QUEUE_FACTS>;
