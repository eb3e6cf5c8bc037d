/**
 * The public API. Commands of the command line are functions here, with the same options and results; below them are the stages they
 * are made of, for those who build something else. What is not exported here may change without notice.
 */

// decode, batch, features
export type { Batch } from "./batch/batch.js";
export { loadBatches } from "./batch/loader.js";
export { SlotRing } from "./batch/slot-ring.js";
export { findLabelIssues, type LabelIssue } from "./curation/label-issues.js";
export { type Suggestion, suggestTiles } from "./curation/suggest.js";
export { type Colorspace, DECODE_DEFAULTS, type DecodeOptions, type DecodeOutcome } from "./decode/decoder.js";
export { DecodePool } from "./decode/pool.js";
// What every command takes and throws
export { CanopyError, FormatError, InputError, InterruptedError, ModelError, OptionError } from "./errors.js";
export { Backbone } from "./features/backbone.js";
export { chooseDevice, type Device } from "./features/device.js";
export type { FeatureBatch } from "./features/feature-batch.js";
export { streamFeatures } from "./features/stream.js";
export { bootstrapMean, type Interval } from "./head/bootstrap.js";
// head, tags
export { type Checkpoint, loadCheckpoint, saveCheckpoint } from "./head/checkpoint.js";
export { type HeadConfig, type HeadOptions, resolveHeadConfig } from "./head/config.js";
export type { FeatureMatrix } from "./head/feature-matrix.js";
export type { Head } from "./head/head.js";
export { computeMetrics, type Metrics } from "./head/metrics.js";
export { trainHead } from "./head/train.js";
export { resolveBackbone } from "./models/registry.js";
export { prepareBackbone } from "./onnx/prepare.js";
// Commands
export { type EnqueueOptions, type EnqueueSummary, enqueue } from "./operations/enqueue.js";
export { type EvaluateOptions, type EvaluateSummary, evaluate } from "./operations/evaluate.js";
export { type ExportOptions, type ExportSummary, exportModel } from "./operations/export.js";
export { type FixOptions, type FixSummary, fix } from "./operations/fix.js";
export { type InspectOptions, type InspectReport, inspect } from "./operations/inspect.js";
export {
  type ExportLabelsOptions,
  type ExportLabelsSummary,
  exportLabels,
  type ImportLabelsOptions,
  type ImportLabelsSummary,
  importLabels,
} from "./operations/labels.js";
export { type MergeOptions, type MergeSummary, merge } from "./operations/merge.js";
export { importBackbone, listBackbones, type ModelRecord, pullBackbone, showBackbone } from "./operations/models.js";
export { type PredictOptions, type PredictSummary, predict } from "./operations/predict.js";
export { type QueueStatus, queueStatus } from "./operations/queue-status.js";
export { type ReportOptions, report } from "./operations/report.js";
export { type SuggestOptions, type SuggestSummary, suggest } from "./operations/suggest.js";
export { type SynthOptions, type SynthResult, synthesize } from "./operations/synth.js";
export { train } from "./operations/train.js";
export { type WorkOptions, type WorkSummary, work } from "./operations/work.js";
export type { ProgressState, RunContext } from "./run-context.js";
// Pictures as they come
export type { Bytes, EncodedPicture, Picture, PictureFile, RawPicture } from "./tagger/pictures.js";
export type { RejectedPicture, TaggedPicture, TagResult } from "./tagger/results.js";
export { type TagCallOptions, Tagger, type TaggerOptions } from "./tagger/tagger.js";
// tiles
export { type LabelMatrix, toLabelMatrix } from "./tiles/label-matrix.js";
export { type Labels, readLabels } from "./tiles/labels.js";
export { type OpenedTiles, openTiles } from "./tiles/sources.js";
export { kFold, splitRows } from "./tiles/split.js";
export { type TagSet, tagSetOf } from "./tiles/tag-set.js";
export type { Tile, TileSource } from "./tiles/tile.js";
export { type FittedHead, fitHead } from "./training/fit.js";
export type { TrainOptions } from "./training/settings.js";
export type { TrainSummary } from "./training/summary.js";
export { fitThresholds } from "./training/thresholds.js";
