/** The state of an interrupted fine-tuning, in a file beside the model's folder: trainings that are done, and the one that ran. */
import { createHash } from "node:crypto";
import { readFile, rm } from "node:fs/promises";
import { deserialize, serialize } from "node:v8";
import * as v from "valibot";
import { beside } from "../files/output.js";
import { count, finite } from "../files/schemas.js";
import { writeWhole } from "../files/write.js";
import { WriteError } from "../files/write-error.js";
import type { FinetuneConfig } from "../finetune/config.js";
import type { TuneState } from "../finetune/tune.js";
import { historyRow } from "../head/record-schemas.js";
import { PRECISIONS, type Precision } from "../quantise/precision.js";
import type { Ranges } from "../quantise/ranges.js";
import type { RunContext } from "../run-context.js";
import { canopyVersion } from "../versions.js";
import type { TrainingName } from "./trainings.js";

/** What a training leaves for the readout. */
export interface TunedPart {
  /** `[scored, tags]` for each precision that may be chosen. */
  logits: Map<Precision, Float32Array>;
  /** What integers need; absent if they may not be chosen. */
  ranges?: Ranges;
  /** The epoch of the weights. */
  epoch: number;
  history: v.InferOutput<typeof historyRow>[];
  /** Of a training on held-out tiles, which is the final one, too. */
  weights?: Map<string, Float32Array>;
}

const floats = v.instance(Float32Array);
const tensors = v.map(v.string(), floats);
const epochWeights = v.undefinedable(v.object({ epoch: count, loss: v.number(), weights: tensors }));
const running: v.GenericSchema<unknown, TuneState> = v.object({
  epoch: count,
  step: count,
  lossSum: v.number(),
  engine: v.object({ steps: count, weights: tensors, firstMoments: tensors, secondMoments: tensors }),
  average: v.object({ mean: v.exactOptional(v.undefinedable(tensors)), count }),
  history: v.array(historyRow),
  last: epochWeights,
  best: epochWeights,
});
const name = v.custom<TrainingName>((each) => /^(history|final|fold \d+)$/.test(String(each)));
const SAVED = v.object({
  fingerprint: v.string(),
  done: v.map(
    name,
    v.object({
      logits: v.map(v.picklist(PRECISIONS), floats),
      ranges: v.exactOptional(v.record(v.string(), v.tuple([finite, finite]))),
      epoch: count,
      history: v.array(historyRow),
      weights: v.exactOptional(tensors),
    }),
  ),
  running: v.undefinedable(v.object({ name, state: running })),
});

/** At most so many bytes a second are written on average: a state is several times as large as the network. */
const BYTES_PER_SECOND = 2e6;

export class FinetuneStates {
  readonly #file: string;
  readonly #fingerprint: string;
  readonly done: Map<TrainingName, TunedPart>;
  #running: { name: TrainingName; state: TuneState } | undefined;
  #dueAt = 0;
  /** Whether there is a state that is not written. */
  #isNew = false;
  #onWarning: RunContext["onWarning"];

  private constructor(file: string, saved: v.InferOutput<typeof SAVED>, { onWarning }: RunContext) {
    this.#file = file;
    this.#onWarning = onWarning;
    this.#fingerprint = saved.fingerprint;
    this.done = saved.done;
    this.#running = saved.running;
  }

  /** What there is for the model's folder `out`; nothing unless `resume` is set and the file is of this fine-tuning. */
  static async open(out: string, fingerprint: string, resume: boolean, context: RunContext): Promise<FinetuneStates> {
    const file = finetuneStateFile(out);
    const saved = resume ? await readSaved(file) : undefined;
    if (saved?.success && saved.output.fingerprint === fingerprint)
      return new FinetuneStates(file, saved.output, context);
    if (saved !== undefined) {
      const reason = saved.success ? "is of a training on other tiles or settings" : "cannot be read";
      context.onWarning?.(`${file} ${reason}, so the fine-tuning begins anew.`);
    }
    return new FinetuneStates(file, { fingerprint, done: new Map(), running: undefined }, context);
  }

  /** The state of the training `name`, if it was interrupted. */
  running(name: TrainingName): TuneState | undefined {
    return this.#running?.name === name ? this.#running.state : undefined;
  }

  /** Whether the last write is so long ago that a state would be written. */
  isDue(): boolean {
    return performance.now() >= this.#dueAt;
  }

  /** Writes the state of the training `name` if that is due; `save` writes it in any case. */
  async keep(name: TrainingName, state: TuneState): Promise<void> {
    this.#running = { name, state };
    this.#isNew = true;
    if (this.isDue()) await this.#tryToWrite();
  }

  /** Afterwards the state that was kept last is in the file. @throws WriteError if it cannot be written */
  async save(): Promise<void> {
    if (this.#isNew) await this.#write();
  }

  /** The training `name` is over. */
  async finish(name: TrainingName, part: TunedPart): Promise<void> {
    this.done.set(name, part);
    this.#running = undefined;
    this.#isNew = true;
    await this.#tryToWrite();
  }

  /** If the disk refuses, the training goes on, and what was written before stays. */
  async #tryToWrite(): Promise<void> {
    try {
      await this.#write();
    } catch (error) {
      if (!(error instanceof WriteError)) throw error;
      this.#onWarning?.(
        `${error.problem}: ${this.#file}, the state of the fine-tuning, could not be written. The training goes on and tries again; until then \`resume\` goes on from the state before.`,
      );
      this.#onWarning = undefined;
    }
  }

  async #write(): Promise<void> {
    const { done } = this;
    const bytes = serialize({ fingerprint: this.#fingerprint, done, running: this.#running });
    // Also after a write that fails.
    this.#dueAt = performance.now() + (bytes.length / BYTES_PER_SECOND) * 1000;
    await writeWhole(this.#file, bytes);
    this.#isNew = false;
  }
}

/** Changes with everything that the state depends on: `head` is the fingerprint of the frozen head, `backbone` its hash. */
export function tuningFingerprint(
  head: string,
  backbone: string,
  config: FinetuneConfig,
  precisions: readonly Precision[],
): string {
  return createHash("sha256")
    .update(JSON.stringify([head, backbone, config, precisions, canopyVersion()]))
    .digest("hex");
}

export function finetuneStateFile(out: string): string {
  return beside(out, ".finetune");
}

export async function forgetFinetune(out: string): Promise<void> {
  await rm(finetuneStateFile(out), { force: true });
}

async function readSaved(file: string): Promise<v.SafeParseResult<typeof SAVED> | undefined> {
  try {
    return v.safeParse(SAVED, deserialize(await readFile(file)));
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ENOENT" ? undefined : v.safeParse(SAVED, undefined);
  }
}
