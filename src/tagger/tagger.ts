/** Tagger: a model kept open, for programs that tag pictures as they come. */

import { loadAddon } from "../addon.js";
import { checkKinds, type OptionKinds } from "../check.js";
import { Engine } from "../engine/engine.js";
import { openModel } from "../engine/open-model.js";
import { checkEngineSettings, ENGINE_SETTINGS, type EngineSettings, engineOptions } from "../engine/settings.js";
import { CanopyError, OptionError } from "../errors.js";
import type { Device, DeviceChoice } from "../features/device.js";
import type { RunContext } from "../run-context.js";
import type { Tile } from "../tiles/tile.js";
import { MicroBatcher, type TileResult } from "./batcher.js";
import { mapAhead } from "./map-ahead.js";
import { type Picture, shown, toTile } from "./pictures.js";
import { type TagResult, toTagged } from "./results.js";

export interface TaggerOptions extends EngineSettings {
  /** The model's backbone file. @default as its card says */
  backbone?: string | undefined;
  /** What the backbone runs on. @default "auto" */
  device?: DeviceChoice | undefined;
}

export interface TagCallOptions {
  /** Aborting rejects the call with the signal's reason. */
  signal?: AbortSignal | undefined;
}

const CALL_OPTIONS: OptionKinds<TagCallOptions> = { signal: true };
const OPTIONS: OptionKinds<TaggerOptions> = {
  backbone: "string?",
  device: true,
  ...ENGINE_SETTINGS,
};

/**
 * A trained model with its sessions and decode threads. Any number of callers may use it at once; their pictures share
 * batches. It keeps the process alive until it is closed.
 */
export class Tagger {
  /** The model's tags, in the order of results. */
  readonly tags: readonly string[];
  readonly #engine: Engine;
  readonly #batcher: MicroBatcher;
  #closed: Promise<void> | undefined;

  private constructor(engine: Engine, tags: readonly string[]) {
    this.tags = Object.freeze([...tags]);
    this.#engine = engine;
    this.#batcher = new MicroBatcher(engine);
  }

  /**
   * Opens the model in the folder `model`, and starts its threads.
   * @throws FormatError, InputError or ModelError for a model, backbone or device that cannot be used; OptionError for an option.
   */
  static async open(
    model: string,
    options: TaggerOptions = {},
    context: Pick<RunContext, "onWarning"> = {},
  ): Promise<Tagger> {
    if (typeof model !== "string" || model === "") {
      throw new OptionError(`Expected the path of a model's folder, got ${shown(model)}.`);
    }
    checkKinds(options, OPTIONS);
    checkEngineSettings(options);
    const loaded = await openModel(model, options);
    if (options.memory !== undefined) loadAddon()?.returnFreedMemory();
    const engine = await Engine.open(loaded, engineOptions(loaded, options), context);
    return new Tagger(engine, loaded.checkpoint.tags);
  }

  /** The provider that runs the backbone. */
  get device(): Device {
    return this.#engine.provider;
  }

  /**
   * Tags pictures; results come in their order. A picture that cannot be read gets a result with its `error`; the
   * others are not affected.
   * @throws OptionError for anything but a picture; ModelError if ONNX Runtime fails on all of a batch; the signal's
   * reason on abort.
   */
  async tag(pictures: readonly Picture[], options: TagCallOptions = {}): Promise<TagResult[]> {
    checkKinds(options, CALL_OPTIONS);
    if (!Array.isArray(pictures))
      throw new OptionError("Expected `pictures` to be an array of pictures: put one in [ ].");
    checkSignal(options.signal);
    // Unlike map, Array.from does not skip what is missing.
    return this.#tagTiles(Array.from(pictures, toTile), options.signal);
  }

  /**
   * Tags a source of any length; results come in its order, each as soon as it is ready. Only some batches are read
   * ahead: if results are taken slowly, the source is read slowly. Leaving the loop drops what was read ahead, and ends
   * the source. Throws as `tag` does, and what the source throws.
   */
  async *stream(
    source: Iterable<Picture> | AsyncIterable<Picture>,
    options: TagCallOptions = {},
  ): AsyncGenerator<TagResult, void, undefined> {
    checkKinds(options, CALL_OPTIONS);
    checkSource(source);
    checkSignal(options.signal);
    const { signal } = options;
    const { batchSize, mostBatches } = this.#engine;
    const left = new AbortController();
    const onAbort = () => left.abort(signal?.reason);
    signal?.addEventListener("abort", onAbort, { once: true });
    if (signal?.aborted) onAbort();
    const tagOne = async (picture: Picture, index: number): Promise<TagResult> => {
      const [result] = await this.#tagTiles([toTile(picture, index)], left.signal);
      return result;
    };
    try {
      yield* mapAhead(source, batchSize * mostBatches, tagOne, left.signal);
    } finally {
      signal?.removeEventListener("abort", onAbort);
      left.abort();
    }
  }

  /**
   * Takes no more pictures, finishes those it has, then ends all threads. A stream whose source has not ended by then
   * throws. Later calls wait for the same end.
   */
  close(): Promise<void> {
    this.#closed ??= this.#batcher.idle().then(() => this.#engine.close());
    return this.#closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #tagTiles(tiles: readonly Tile[], signal: AbortSignal | undefined): Promise<TagResult[]> {
    if (this.#closed) throw new CanopyError("CLOSED", "The tagger is closed: open another to tag more pictures.");
    const results = await this.#batcher.tag(tiles, signal);
    return results.map((result, i) => this.#toResult(tiles[i], result));
  }

  #toResult({ name }: Tile, result: TileResult): TagResult {
    return "row" in result ? toTagged(name, result.row, this.tags) : { name, error: result.failure };
  }
}

/** By what it does: test runners have signals of their own. */
function checkSignal(signal: unknown): void {
  if (signal === undefined) return;
  const isSignal = typeof signal === "object" && signal !== null && "aborted" in signal && "addEventListener" in signal;
  if (!isSignal) throw new OptionError(`Expected \`signal\` to be an AbortSignal, got ${shown(signal)}.`);
}

/** Strings and bytes can be iterated, too, but are no sources. */
function checkSource(source: unknown): void {
  const iterable =
    typeof source === "object" && source !== null && (Symbol.asyncIterator in source || Symbol.iterator in source);
  if (!iterable || ArrayBuffer.isView(source)) {
    throw new OptionError("Expected `source` to be an iterable or async iterable of pictures.");
  }
}
