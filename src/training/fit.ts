/**
 * From labelled features to everything a model needs: head, thresholds, history and honest scores. In: features of all labelled tiles
 * (one matrix, or one per variant). Out: a head trained on all of them, with thresholds fitted on probabilities no tile influenced.
 */
import { checkInteger } from "../check.js";
import { InputError, InterruptedError } from "../errors.js";
import type { HeadConfig } from "../head/config.js";
import { crossValidate, type OutOfFold, trainOnTiles } from "../head/cross-validate.js";
import type { FeatureMatrix } from "../head/feature-matrix.js";
import type { Head } from "../head/head.js";
import type { HistoryRow } from "../head/history.js";
import { predictProbabilities } from "../head/logits.js";
import { computeMetrics, type Metrics } from "../head/metrics.js";
import type { TrainState } from "../head/train-state.js";
import type { TrainedHead, TrainHeadOptions } from "../head/trained-head.js";
import { type FeatureVariants, scoringRows, toVariants, type VariantUse } from "../head/variants.js";
import { normalizeExclusive } from "../tags/exclusive.js";
import { type LabelMatrix, selectLabels } from "../tiles/label-matrix.js";
import { type Split, splitRows } from "../tiles/split.js";
import { chooseRefinement, type RefinedHead, type Refinement, type RefineOptions, refineHead } from "./refine.js";

export interface FitOptions
  extends Partial<VariantUse>,
    RefineOptions,
    Pick<TrainHeadOptions, "signal" | "threads" | "stepper"> {
  /** Share of tiles held out for the history and `holdOut`; 0 for none. @default 0.2 */
  holdOut?: number;
  /** Folds of the cross-validation that fits the thresholds. @default 5 */
  folds?: number;
  /** Decides split and folds. @default 1 */
  seed?: number;
  /** Train the final head on all tiles; otherwise it is the one that has not seen the held-out tiles. @default true */
  refit?: boolean;
  /** Called after each epoch of the training whose history is kept. */
  onEpoch?: (row: HistoryRow) => void;
  /** Called after each of the `total` trainings. */
  onTraining?: (done: number, total: number) => void;
  /**
   * Where gradient optimisers stand, training by training: filled here, also when the signal stops it. Saved and given again, the fit
   * goes on bit for bit as if it had never stopped. @default []
   */
  states?: (TrainState | undefined)[];
}

export interface FittedHead {
  head: Head;
  /** `[tags]` */
  thresholds: Float32Array;
  /** Of the training on the tiles that were not held out. */
  history: HistoryRow[];
  /** Held-out tiles under a head and thresholds that have not seen them; absent without held-out tiles. */
  holdOut?: Metrics;
  /** All tiles, each under a head and thresholds that have not seen it. */
  crossValidated: Metrics;
  /** `[rows, tags]` out-of-fold probabilities and the tags they were given (what `crossValidated` scores), and the fold of each row. */
  outOfFold: { probabilities: Float32Array; decisions: Uint8Array; folds: Uint8Array };
  split: Split;
  /** The penalty L-BFGS used for `head`, given or chosen. */
  l2?: number;
  /** Columns of the exclusive groups that were kept: probabilities are the head's, shared out (normalizeExclusive). */
  exclusive: number[][];
  /** F-beta won by exclusive groups, kept or not; null where none were given or found. */
  exclusiveGain: number | null;
  /** Whether a stacking layer was kept; it is folded into the head. */
  stacked: boolean;
}

/**
 * Fits head and thresholds. First a training without the held-out tiles gives the history. Then cross-validation gives every tile
 * probabilities of a head that has not seen it; thresholds are fitted on these, and scored fold by fold with thresholds from the other
 * folds. The head is trained again on all tiles, stacked and calibrated if asked for. Each training chooses an automatic L2 for itself.
 *
 * @throws InputError for fewer tiles than folds
 * @throws InterruptedError where the signal stops it; `states` then says how far it came
 */
export async function fitHead(
  features: FeatureMatrix | readonly FeatureMatrix[],
  labels: LabelMatrix,
  config: HeadConfig,
  options: FitOptions = {},
): Promise<FittedHead> {
  const fit = new Fit(toVariants(features, labels.rows), labels, options);
  const first = await fit.trainWithoutHeldOut(config);
  const outOfFold = await fit.crossValidate(config);
  const final = fit.refits ? await fit.trainOnAll(config) : first;
  const { logits, folds } = outOfFold;
  const refinement = chooseRefinement(logits, labels, folds, options);
  const refine = ({ head }: TrainedHead, rows: Uint32Array) =>
    refineHead(head, rows, logits, labels, refinement, options);
  const refined = refine(final, fit.refits ? fit.allRows : fit.split.train);
  const holdOut = await fit.scoreHeldOut(refine(first, fit.split.train), refinement.exclusive);
  const { probabilities, decisions } = refinement.crossFitted;
  return {
    ...refined,
    history: first.history,
    ...(holdOut && { holdOut }),
    // Tags are given by each fold's thresholds, fitted on the others; the table shows the final ones.
    crossValidated: computeMetrics(probabilities, labels, refined.thresholds, {
      decisions,
      ranking: rankingOf(refinement, labels.tags.length),
    }),
    outOfFold: { probabilities, decisions, folds },
    split: fit.split,
    ...(final.l2 !== undefined && { l2: final.l2 }),
    exclusive: refinement.exclusive,
    exclusiveGain: refinement.exclusiveGain,
    stacked: refinement.stackingL2 !== undefined,
  };
}

/** What average precision ranks by: calibration keeps each tag's order, sharing out within exclusive groups does not. */
function rankingOf({ logits, exclusive, crossFitted }: Refinement, numTags: number): Float32Array {
  const shared = new Set(exclusive.flat());
  return logits.map((z, cell) => (shared.has(cell % numTags) ? crossFitted.probabilities[cell] : z));
}

/** The steps of one fit, and what they share. */
class Fit {
  readonly split: Split;
  readonly allRows: Uint32Array;
  readonly refits: boolean;
  readonly #variants: FeatureVariants;
  readonly #labels: LabelMatrix;
  readonly #options: FitOptions;
  readonly #states: (TrainState | undefined)[];
  readonly #use: VariantUse;
  readonly #folds: number;
  readonly #seed: number;
  readonly #total: number;

  constructor(variants: FeatureVariants, labels: LabelMatrix, options: FitOptions) {
    const { holdOut = 0.2, folds = 5, seed = 1, refit = true, augment = "none", tta = "none", states = [] } = options;
    checkInteger("folds", folds, 2, 255);
    if (labels.rows < folds) {
      throw new InputError(`${labels.rows} labelled tiles are too few to train on: there must be ${folds} or more.`);
    }
    this.#variants = variants;
    this.#labels = labels;
    this.#options = options;
    this.#states = states;
    this.#use = { augment, tta };
    this.#folds = folds;
    this.#seed = seed;
    this.split = splitRows(labels, holdOut, seed);
    this.allRows = Uint32Array.from({ length: labels.rows }, (_, row) => row);
    // Without held-out tiles the first training is on all of them already.
    this.refits = refit && this.split.heldOut.length > 0;
    this.#total = folds + (this.refits ? 2 : 1);
  }

  async trainWithoutHeldOut(config: HeadConfig): Promise<TrainedHead> {
    const { heldOut, train } = this.split;
    const validation = heldOut.length > 0 && {
      features: scoringRows(this.#variants, heldOut, this.#use),
      labels: selectLabels(this.#labels, heldOut),
    };
    const { onEpoch } = this.#options;
    return this.#train(config, train, 0, { ...(validation && { validation }), ...(onEpoch && { onEpoch }) });
  }

  async trainOnAll(config: HeadConfig): Promise<TrainedHead> {
    return this.#train(config, this.allRows, this.#folds + 1, {});
  }

  async crossValidate(config: HeadConfig): Promise<OutOfFold> {
    const states = this.#states.slice(1, this.#folds + 1);
    try {
      return await crossValidate(this.#variants, this.#labels, config, this.#folds, this.#seed, {
        ...this.#running(),
        ...this.#use,
        states,
        onFold: (done) => this.#options.onTraining?.(done + 1, this.#total),
      });
    } finally {
      states.forEach((state, fold) => {
        this.#states[fold + 1] = state;
      });
    }
  }

  async scoreHeldOut({ head, thresholds }: RefinedHead, exclusive: number[][]): Promise<Metrics | undefined> {
    const { heldOut } = this.split;
    if (heldOut.length === 0) return undefined;
    const features = scoringRows(this.#variants, heldOut, this.#use);
    const own = await predictProbabilities(head, features, this.#options.threads);
    return computeMetrics(
      normalizeExclusive(own, head.numTags, exclusive),
      selectLabels(this.#labels, heldOut),
      thresholds,
    );
  }

  async #train(config: HeadConfig, rows: Uint32Array, index: number, more: TrainHeadOptions): Promise<TrainedHead> {
    const options = { ...this.#running(), ...more, ...this.#use, seed: this.#seed };
    const trained = await trainOnTiles(this.#variants, this.#labels, rows, config, options, this.#states[index]);
    if (trained.state !== undefined) this.#states[index] = trained.state;
    if (this.#options.signal?.aborted) throw new InterruptedError();
    this.#options.onTraining?.(index + 1, this.#total);
    return trained;
  }

  #running(): Pick<TrainHeadOptions, "signal" | "threads" | "stepper"> {
    const { signal, threads, stepper } = this.#options;
    return { ...(signal && { signal }), ...(threads && { threads }), ...(stepper && { stepper }) };
  }
}
