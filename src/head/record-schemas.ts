/** Schemas of what a model's files record of its training; the types are those of the training itself. */
import * as v from "valibot";
import { count, finite, positive, share, text } from "../files/schemas.js";
import type { GradientConfig, HeadConfig, LbfgsConfig } from "./config.js";
import type { HistoryRow } from "./history.js";
import type { Metrics } from "./metrics.js";

const common = {
  seed: count,
  scaling: v.picklist(["none", "standard", "pareto"]),
  blocks: v.array(positive),
};

export const gradientConfig = v.object({
  ...common,
  optimizer: v.picklist(["rmsprop", "adam", "sgd"]),
  learningRate: finite,
  epochs: count,
  batchSize: positive,
  shuffle: v.boolean(),
  momentum: finite,
  rho: finite,
  beta1: finite,
  beta2: finite,
  epsilon: finite,
  nesterov: v.boolean(),
}) satisfies v.GenericSchema<unknown, GradientConfig>;

const lbfgsConfig = v.object({
  ...common,
  optimizer: v.literal("lbfgs"),
  l2: v.union([finite, v.literal("auto")]),
  maxIterations: count,
  tolerance: finite,
}) satisfies v.GenericSchema<unknown, LbfgsConfig>;

export const headConfig: v.GenericSchema<unknown, HeadConfig> = v.variant("optimizer", [gradientConfig, lbfgsConfig]);

export const metrics: v.GenericSchema<unknown, Metrics> = v.object({
  tiles: count,
  f2: share,
  f2AtHalf: share,
  map: v.nullable(share),
  minSupport: count,
  microF1: share,
  macroF1: v.nullable(share),
  binaryAccuracy: share,
  perTag: v.array(
    v.object({
      tag: text,
      support: count,
      predicted: count,
      threshold: share,
      precision: v.nullable(share),
      recall: v.nullable(share),
      f2: v.nullable(share),
      averagePrecision: v.nullable(share),
      rocAuc: v.exactOptional(v.nullable(share)),
      precisionAtRecall90: v.exactOptional(v.nullable(share)),
    }),
  ),
});

export const historyRow: v.GenericSchema<unknown, HistoryRow> = v.object({
  epoch: count,
  loss: finite,
  binaryAccuracy: v.nullable(share),
  f2: v.nullable(share),
  valLoss: v.nullable(finite),
  valBinaryAccuracy: v.nullable(share),
  valF2: v.nullable(share),
});
