/** `synthesize`: generated Amazon-like tiles with Planet's tags, as files or archives, with their labels. */
import { join } from "node:path";
import { checkInteger, checkKinds, type OptionKinds } from "../check.js";
import { whileLocked } from "../files/lock.js";
import { writePieces } from "../files/write.js";
import { pointToResume } from "../files/write-error.js";
import { usableCores } from "../machine.js";
import type { RunContext } from "../run-context.js";
import { availableEncoding, type TileEncoding } from "../synth/encode.js";
import { tileName } from "../synth/names.js";
import { produceTiles } from "../synth/produce.js";
import { GENERATOR_VERSION } from "../synth/render.js";
import { openStaging } from "../synth/staging.js";
import { drawTags, type PlanetTag } from "../synth/tag-model.js";

export interface SynthOptions {
  /** Number of tiles. */
  count: number;
  /** Folder to make: `synth_0.jpg`, `synth_1.jpg`, ... (or `tiles-00000.tar`, ...), `labels.csv` and `synth.json`. */
  out: string;
  /** Names the set; tile i depends on seed and i alone. An unsigned 32-bit integer. @default 1 */
  seed?: number;
  /** Pixels per side. @default 256 */
  size?: number;
  /** Write tar archives of this many tiles instead of plain files; 0 for plain files. @default 0 */
  tilesPerTar?: number;
  /** Rendering threads. @default one per core */
  workers?: number;
  /** Replace a folder that synth made before. @default false */
  overwrite?: boolean;
  /** Go on with what an interrupted run left in `<out>.canopy-tmp`. @default false */
  resume?: boolean;
}

export interface SynthResult {
  out: string;
  /** Path of the label CSV. */
  labels: string;
  tiles: number;
  seed: number;
  /** `rgb` without the addon: ordinary JPEGs, same pictures. */
  encoding: TileEncoding;
  /** Tiles per tag, most frequent first. */
  tags: Partial<Record<PlanetTag, number>>;
  seconds: number;
}

/**
 * Makes `count` tiles and `labels.csv` in the folder `out`, which appears complete or not at all (see synth/staging.ts).
 *
 * @throws InputError if `out` exists and may not be replaced
 * @throws InterruptedError after `context.signal` aborts; `resume` goes on from there
 */
export function synthesize(options: SynthOptions, context: RunContext = {}): Promise<SynthResult> {
  return makeTiles(options, context).catch(pointToResume);
}

const OPTIONS: OptionKinds<SynthOptions> = {
  count: true,
  out: "string",
  seed: true,
  size: true,
  tilesPerTar: true,
  workers: true,
  overwrite: "boolean?",
  resume: "boolean?",
};

async function makeTiles(options: SynthOptions, context: RunContext): Promise<SynthResult> {
  checkOptions(options);
  return whileLocked(options.out, context, () => makeSet(options, context));
}

function checkOptions(options: SynthOptions): void {
  checkKinds(options, OPTIONS);
  const { count, seed = 1, size = 256, tilesPerTar = 0, workers = 1 } = options;
  checkInteger("count", count, 1);
  checkInteger("seed", seed, 0, 0xffffffff);
  checkInteger("size", size, 16, 4096);
  checkInteger("tilesPerTar", tilesPerTar, 0);
  checkInteger("workers", workers, 1, 1024);
}

async function makeSet(options: SynthOptions, context: RunContext): Promise<SynthResult> {
  const { count, out, seed = 1, size = 256, tilesPerTar = 0, workers = usableCores() } = options;
  const started = performance.now();
  const encoding = availableEncoding();
  const manifest = { generator: GENERATOR_VERSION, seed, count, size, encoding, tilesPerTar };
  const { overwrite = false, resume = false } = options;
  const staging = await openStaging(out, manifest, { overwrite, resume });
  if (encoding === "rgb") {
    context.onWarning?.(
      "the native addon is not built, so these tiles are ordinary RGB JPEGs, not in Planet's encoding; npm run build:native mends that.",
    );
  }
  await produceTiles({ count, seed, size, tilesPerTar, workers, ...staging }, context);
  const tags = await writeLabels(join(staging.folder, "labels.csv"), seed, count);
  await staging.publish();
  const seconds = (performance.now() - started) / 1000;
  return { out, labels: join(out, "labels.csv"), tiles: count, seed, encoding, tags, seconds };
}

/** Writes the labels and gives the number of tiles per tag. */
async function writeLabels(path: string, seed: number, count: number): Promise<SynthResult["tags"]> {
  const counts = new Map<PlanetTag, number>();
  function* lines() {
    yield "image_name,tags\n";
    for (let index = 0; index < count; index++) {
      const tags = drawTags(seed, index);
      for (const tag of tags) {
        counts.set(tag, (counts.get(tag) ?? 0) + 1);
      }
      yield `${tileName(index)},${tags.join(" ")}\n`;
    }
  }
  await writePieces(path, lines());
  return Object.fromEntries([...counts].sort((a, b) => b[1] - a[1]));
}
