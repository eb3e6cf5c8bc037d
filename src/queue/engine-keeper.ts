/** Keeps the engine of a queue worker, and replaces it when a job of another run comes. */
import { loadAddon } from "../addon.js";
import { DECODE_DEFAULTS, type DecodeOptions } from "../decode/decoder.js";
import { decoderVersion } from "../decode/pool.js";
import { planInBudget } from "../engine/budget.js";
import { Engine, type EngineThreads } from "../engine/engine.js";
import { openModel } from "../engine/open-model.js";
import { CanopyError, InputError } from "../errors.js";
import type { Checkpoint } from "../head/checkpoint.js";
import type { QueueFacts, RunIdentity } from "../run/formats.js";
import { hashModel, readIdentity } from "../run/identity.js";
import { readQueueFacts } from "../run/run-request.js";
import type { RunContext } from "../run-context.js";
import { refuseOtherQueue } from "./jobs.js";

export interface KeeperOptions {
  /** Decode threads. @default one per core */
  workers?: number | undefined;
  /** Budget in bytes. @default none */
  memory?: number | undefined;
}

/** This worker, not the job, is at fault: another worker may do it. */
export class UnfitWorkerError extends CanopyError {
  override readonly name = "UnfitWorkerError";
  constructor(message: string, options?: ErrorOptions) {
    super("UNFIT", message, options);
  }
}

export interface KeptEngine {
  engine: Engine;
  identity: RunIdentity;
  /** The current ones: some may change during a run. */
  facts: QueueFacts;
}

export class EngineKeeper {
  readonly #options: KeeperOptions;
  readonly #context: RunContext;
  #kept: (Omit<KeptEngine, "facts"> & { folder: string }) | undefined;
  /** Of the engine that was closed last. */
  #lastThreads: EngineThreads | undefined;

  constructor(options: KeeperOptions, context: RunContext) {
    this.#options = options;
    this.#context = context;
  }

  /**
   * The engine for the run in `folder`; undefined if that run is over. Throws an UnfitWorkerError if this worker cannot
   * run it, a BadJobError if the run is not one of `queue`.
   */
  async engineFor(folder: string, queue: string): Promise<KeptEngine | undefined> {
    const identity = await readIdentity(folder).catch((error) => {
      throw error instanceof InputError ? unfit(folder, error) : error;
    });
    if (identity === undefined) return undefined;
    const facts = await readQueueFacts(folder);
    refuseOtherQueue(facts, queue, folder);
    if (this.#kept?.folder === folder && JSON.stringify(this.#kept.identity) === JSON.stringify(identity)) {
      return { ...this.#kept, facts };
    }
    await this.close();
    try {
      this.#kept = { folder, identity, engine: await this.#open(identity, facts) };
    } catch (error) {
      throw unfit(folder, error);
    }
    return { ...this.#kept, facts };
  }

  /** Of the engine in use, or the last one; undefined if there was none yet. */
  get threads(): EngineThreads | undefined {
    return this.#kept?.engine.threads ?? this.#lastThreads;
  }

  async close(): Promise<void> {
    const kept = this.#kept;
    this.#lastThreads = this.threads;
    this.#kept = undefined;
    await kept?.engine.close();
  }

  async #open({ model, settings }: RunIdentity, facts: QueueFacts): Promise<Engine> {
    const { workers, memory } = this.#options;
    if (memory !== undefined) loadAddon()?.returnFreedMemory();
    if (decoderVersion() !== settings.decoder) {
      throw new InputError(`the run was begun with the decoder ${settings.decoder}, and here is ${decoderVersion()}`);
    }
    const loaded = await openModel(facts.model, {
      device: settings.device,
      backbone: facts.backbone ?? undefined,
    });
    if (hashModel(loaded.checkpoint) !== model.sha256) {
      throw new InputError(`the model in ${facts.model} has changed since the run began`);
    }
    const { size, batchSize, threshold } = settings;
    const { device } = loaded;
    const { plan, tileBytes } = planInBudget({ device, size, batchSize, workers, memory });
    if (tileBytes < settings.maxBytes) this.#warnOfLargeTiles(tileBytes, settings.maxBytes);
    const options = { plan, decode: decodeSettings(settings, loaded.checkpoint), threshold: threshold ?? undefined };
    return Engine.open(loaded, options, this.#context);
  }

  /** The run fixes how large a tile may be, because its rows must be the same on every worker. */
  #warnOfLargeTiles(here: number, run: number): void {
    const mib = (bytes: number) => `${Math.floor(bytes / 2 ** 20)} MiB`;
    const allowed = run === DECODE_DEFAULTS.maxBytes ? "any" : `as much as ${mib(run)}`;
    this.#context.onWarning?.(
      `\`memory\` leaves ${mib(here)} for a tile that is decoded here, and the run allows it ${allowed}: larger tiles ` +
        "may exceed the budget. The `memory` of `enqueue` bounds them.",
    );
  }
}

function unfit(folder: string, cause: unknown): UnfitWorkerError {
  return new UnfitWorkerError(`This worker cannot do the run in ${folder}: ${(cause as Error).message}`, { cause });
}

function decodeSettings(settings: RunIdentity["settings"], { preprocessing }: Checkpoint): Omit<DecodeOptions, "size"> {
  const { colorspace, antialias, maxPixels, maxBytes, onTruncated } = settings;
  const { bands = null, stretch = null } = preprocessing;
  return { colorspace, antialias, maxPixels, maxBytes, onTruncated, bands, stretch };
}
