/** `predict`: tiles in, a file of tags out, in bulk, without losing a tile. */

import { checkKinds } from "../check.js";
import { Engine, type LoadedModel } from "../engine/engine.js";
import { openModel } from "../engine/open-model.js";
import { engineOptions } from "../engine/settings.js";
import { InterruptedError } from "../errors.js";
import { type Kernels, kernelsOn } from "../features/kernels.js";
import { planForTiles } from "../features/plan.js";
import type { Precision } from "../quantise/precision.js";
import {
  checkOptions,
  identityOf,
  PREDICT_OPTIONS,
  type PredictOptions,
  type PredictRunOptions,
} from "../run/options.js";
import { lineFormat, rowOptions } from "../run/output.js";
import { COMMIT_DEFAULTS } from "../run/run-tiles.js";
import type { RunContext } from "../run-context.js";
import type { TaggedRow } from "../tags/prediction.js";
import { type BulkSummary, runInBulk } from "./bulk-run.js";

export type { PredictOptions, PredictRunOptions };

export interface PredictSummary extends BulkSummary {
  /** `tiles` - `rejected`. */
  predicted: number;
  /** What the backbone computes with; with "int8" by which kernels here: "integer", or "simulated" in floats. */
  precision: Precision;
  kernels: Kernels | null;
}

/**
 * Predicts the tags of all tiles of the inputs into `options.out`, with `<out>.rejects.jsonl` and `<out>.manifest.json`
 * beside it. Bad tiles are rejected with their reason and do not stop the run. Throws InputError for inputs and outputs
 * that cannot be used, ModelError for a model or device that cannot, InterruptedError on abort (all that is done is
 * committed), LostInputError if the input goes away while it is read (the same), CanopyError if the disk is full.
 */
export async function predict(options: PredictOptions, context: RunContext = {}): Promise<PredictSummary> {
  checkKinds(options, PREDICT_OPTIONS);
  checkOptions(options);
  const model = await openModel(options.model, { ...options, signal: context.signal });
  if (context.signal?.aborted) throw new InterruptedError();
  return predictWith(model, options, context);
}

/** `predict` with a model that is loaded already. */
export async function predictWith(
  model: LoadedModel,
  options: PredictRunOptions,
  context: RunContext = {},
): Promise<PredictSummary> {
  checkOptions(options);
  const setup = engineOptions(model, options);
  const identity = identityOf(model, setup, options);
  const format = lineFormat(identity.settings.format, rowOptions(identity));
  const { device } = model;
  const open = (count: number) => Engine.open(model, { ...setup, plan: planForTiles(setup.plan, count) }, context);
  const kind = { identity, format, commit: COMMIT_DEFAULTS, device, open };
  const { tiles, out, rejects, manifest, ...rest } = await runInBulk<TaggedRow>(options, kind, context);
  const { precision = "fp32" } = model.checkpoint;
  const kernels = precision === "int8" ? kernelsOn(device).kernels : null;
  return { tiles, predicted: tiles - rest.rejected, ...rest, precision, kernels, out, rejects, manifest };
}
