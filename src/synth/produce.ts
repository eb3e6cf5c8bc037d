/** Makes tiles on all cores: workers get chunks of tile numbers and write files or archives into a folder. */
import type { Piscina } from "piscina";
import { chunksOf } from "../chunks.js";
import { InterruptedError } from "../errors.js";
import { WriteError } from "../files/write-error.js";
import { mapInFlight } from "../in-flight.js";
import type { RunContext } from "../run-context.js";
import { createWorkerPool, endWorkerPool } from "../worker-pool.js";
import { ArchiveWriter, archiveName } from "./archives.js";
import { tileFileName } from "./names.js";
import type { SynthOutcome, SynthTask } from "./worker.js";

interface ProductionPlan {
  count: number;
  seed: number;
  size: number;
  /** 0 for plain files. */
  tilesPerTar: number;
  workers: number;
  folder: string;
  /** Names of files in `folder` that need not be made again. */
  finished: ReadonlySet<string>;
}

interface Production {
  plan: ProductionPlan;
  pool: Piscina<SynthTask, SynthOutcome>;
  /** Numbers of the tiles to make. */
  missing: readonly number[];
  /** Counts tiles as done, and throws an InterruptedError if the run is to stop. */
  advance: (rendered: number) => void;
}

/** Tiles per task: enough that messages cost little, few enough to stop within a fraction of a second. */
const CHUNK = 32;

/** Renders and writes missing tiles; every file appears under its name only when it is whole. */
export async function produceTiles(plan: ProductionPlan, context: RunContext): Promise<void> {
  const missing = missingTiles(plan);
  let done = plan.count - missing.length;
  const advance = (rendered: number) => {
    done += rendered;
    context.onProgress?.({ stage: "synth", done, total: plan.count, rejected: 0 });
    if (context.signal?.aborted) {
      throw new InterruptedError();
    }
  };
  advance(0);
  const file = new URL("./worker.js", import.meta.url);
  const pool = createWorkerPool<SynthTask, SynthOutcome>(file, "renderChunk", plan.workers);
  try {
    await (plan.tilesPerTar > 0 ? writeArchives : writeFiles)({ plan, pool, missing, advance });
  } finally {
    await endWorkerPool(pool);
  }
}

/** What must still be rendered: single tiles, or the tiles of whole archives. */
function missingTiles({ count, tilesPerTar, finished }: ProductionPlan): number[] {
  const indices = Array.from({ length: count }, (_, index) => index);
  const home = (index: number) =>
    tilesPerTar > 0 ? archiveName(Math.floor(index / tilesPerTar)) : tileFileName(index);
  return finished.size === 0 ? indices : indices.filter((index) => !finished.has(home(index)));
}

async function writeFiles({ plan, pool, missing, advance }: Production): Promise<void> {
  const { seed, size, folder } = plan;
  const run = async (indices: number[]) => {
    checkOutcome(await pool.run({ seed, size, indices, folder }));
    return indices.length;
  };
  for await (const rendered of mapInFlight(chunksOf(missing, CHUNK), 2 * plan.workers, run)) {
    advance(rendered);
  }
}

async function writeArchives({ plan, pool, missing, advance }: Production): Promise<void> {
  const { seed, size, tilesPerTar, count, folder } = plan;
  const run = async (indices: number[]) => ({ indices, ...(await pool.run({ seed, size, indices })) });
  let archive: ArchiveWriter | undefined;
  try {
    for await (const { indices, files } of mapInFlight(chunksOf(missing, CHUNK), 2 * plan.workers, run)) {
      for (const [k, index] of indices.entries()) {
        archive ??= new ArchiveWriter(folder, Math.floor(index / tilesPerTar));
        await archive.add({ name: tileFileName(index), bytes: files[k] });
        if ((index + 1) % tilesPerTar === 0 || index === count - 1) {
          await archive.close();
          archive = undefined;
        }
      }
      advance(indices.length);
    }
  } finally {
    await archive?.abandon();
  }
}

function checkOutcome({ failure }: SynthOutcome): void {
  if (failure !== undefined) throw new WriteError(failure.path, failure.systemCode);
}
