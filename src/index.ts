/**
 * The public API, in the order of docs/api.md: a tagger for pictures as they come, the commands of the command line as functions, and the
 * stages they are made of, for those who build something else. What is not exported here may change without notice.
 */

// Pictures as they come

export type { Bytes, EncodedPicture, Picture, PictureFile, RawPicture } from "./tagger/pictures.js";
export type { RejectedPicture, TaggedPicture, TagResult } from "./tagger/results.js";
export { type TagCallOptions, Tagger, type TaggerOptions } from "./tagger/tagger.js";

// Commands

export type { EngineSettings } from "./engine/settings.js";
export type { BulkSummary } from "./operations/bulk-run.js";
export { type ComparedModel, type CompareOptions, type CompareSummary, compare } from "./operations/compare.js";
export { type EmbedOptions, type EmbedSummary, embed } from "./operations/embed.js";
export { type EnqueueOptions, type EnqueueSummary, enqueue } from "./operations/enqueue.js";
export { type EvaluateOptions, type EvaluateSummary, evaluate, type TagSummary } from "./operations/evaluate.js";
export { type ExportOptions, type ExportSummary, exportModel } from "./operations/export.js";
export { type FixOptions, type FixSummary, fix } from "./operations/fix.js";
export {
  type IndexedArchive,
  type IndexOptions,
  type IndexSummary,
  indexArchives,
} from "./operations/index-archives.js";
export { type InspectOptions, type InspectReport, inspect } from "./operations/inspect.js";
export {
  type ImportLabelsOptions,
  type ImportLabelsSummary,
  importLabels,
} from "./operations/labels.js";
export {
  EXPORT_FORMATS,
  type ExportLabelsFormat,
  type ExportLabelsOptions,
  type ExportLabelsSummary,
  exportLabels,
} from "./operations/labels-export.js";
export { type MergeOptions, type MergeSummary, merge } from "./operations/merge.js";
export { importBackbone, listBackbones, type ModelRecord, pullBackbone, showBackbone } from "./operations/models.js";
export { type PredictSummary, predict } from "./operations/predict.js";
export { type QuantizeOptions, type QuantizeSummary, quantize } from "./operations/quantize.js";
export { type QueueStatus, queueStatus } from "./operations/queue-status.js";
export { type ReportOptions, report } from "./operations/report.js";
export type { ScoringOptions } from "./operations/scored-model.js";
export {
  SUGGESTION_FORMATS,
  type SuggestionFormat,
  type SuggestOptions,
  type SuggestSummary,
  suggest,
} from "./operations/suggest.js";
export { type SynthOptions, type SynthResult, synthesize } from "./operations/synth.js";
export { train } from "./operations/train.js";
export type { ReadingOptions } from "./operations/trained-extractor.js";
export { work } from "./operations/work.js";
export type { KeeperOptions } from "./queue/engine-keeper.js";
export type { MetricsAddress } from "./queue/metrics.js";
export type { QueueOptions } from "./queue/queue.js";
export type { WorkOptions, WorkSummary } from "./queue/work-session.js";
export type { BulkOptions, PredictOptions, PredictRunOptions } from "./run/options.js";
export type { CommitInterval } from "./run/run-tiles.js";
export type { Shard } from "./tiles/shard.js";

// What every command takes and throws

export { CanopyError, FormatError, InputError, InterruptedError, ModelError, OptionError } from "./errors.js";
export type { CsvOptions } from "./files/csv.js";
export { LostInputError } from "./isolation/lost-input.js";
export type { ProgressState, RunContext } from "./run-context.js";

// Tiles and labels

export { type ReadLabelsOptions, readLabels } from "./labels/formats.js";
export { type LabelledTiles, matchTiles } from "./labels/match.js";
export { LABEL_FORMATS, type LabelFormatName, type LabelOptions } from "./labels/options.js";
export type { Separator } from "./labels/separators.js";
export type { Doubt, LabelRow, LabelTable, Part, Recognised } from "./labels/table.js";
export type { TileInputs } from "./tiles/inputs.js";
export { type LabelMatrix, toLabelMatrix } from "./tiles/label-matrix.js";
export type { Naming } from "./tiles/names.js";
export type { Share } from "./tiles/shard.js";
export { type OpenedTiles, type OpenTilesOptions, openTiles } from "./tiles/sources.js";
export { kFold, type Split, splitRows } from "./tiles/split.js";
export { type TaggedTile, type TagSet, tagSetOf } from "./tiles/tag-set.js";
export type { EncodedTile, RawTile, Tile, TileContent, TileFailure, TileFeed, TileSource } from "./tiles/tile.js";

// Decoding and batches

export type { Batch } from "./batch/batch.js";
export { type LoadOptions, loadBatches } from "./batch/loader.js";
export { type Slot, SlotRing } from "./batch/slot-ring.js";
export type { Look } from "./decode/alter.js";
export type { Augmentation } from "./decode/augmentation.js";
export {
  type Bands,
  COLORSPACES,
  type Colorspace,
  DECODE_DEFAULTS,
  type DecodeFailure,
  type DecodeOptions,
  type DecodeOutcome,
  type PictureOptions,
  type Stretch,
} from "./decode/decoder.js";
export type { FullOptions } from "./decode/full.js";
export { DecodePool, type DecodePoolOptions, type PixelTarget } from "./decode/pool.js";
export type { RasterOptions, StretchOption } from "./decode/stretch.js";
export type { Window } from "./decode/window.js";

// Backbones and features

export { Backbone, type BackboneOptions } from "./features/backbone.js";
export { chooseDevice, DEVICES, type Device, type DeviceChoice } from "./features/device.js";
export type { FeatureBatch } from "./features/feature-batch.js";
export { type StreamOptions, streamFeatures } from "./features/stream.js";
export type { ModelCard } from "./models/card.js";
export { type FileModelOptions, NORMALISATIONS, type Normalisation } from "./models/file-model.js";
export type { ImportOptions } from "./models/import.js";
export { type ModelPlace, type ResolvedBackbone, type ResolveOptions, resolveBackbone } from "./models/registry.js";
export type { ResizeMode } from "./onnx/filter.js";
export { type BackboneDescription, type PrepareOptions, prepareBackbone } from "./onnx/prepare.js";
export type { Tokens } from "./onnx/surgery.js";

// Training: head, thresholds, what they are worth

export type { FinetuneOptions } from "./finetune/config.js";
export { type BootstrapOptions, bootstrapMean, type Interval } from "./head/bootstrap.js";
export { loadCheckpoint, saveCheckpoint } from "./head/checkpoint.js";
export type { Checkpoint, Preprocessing, TrainingRecord } from "./head/checkpoint-json.js";
export {
  type GradientConfig,
  type HeadConfig,
  type HeadOptions,
  type LbfgsConfig,
  OPTIMIZERS,
  type OptimizerName,
  resolveHeadConfig,
  SCALINGS,
  type Scaling,
} from "./head/config.js";
export type { FeatureMatrix, FeatureSource } from "./head/feature-matrix.js";
export type { Head } from "./head/head.js";
export type { HistoryRow } from "./head/history.js";
export {
  computeMetrics,
  type ExclusiveColumns,
  type Metrics,
  type MetricsOptions,
  type TagMetrics,
} from "./head/metrics.js";
export { STEPPER_KINDS, type StepperKind, type StepState } from "./head/stepper.js";
export { trainHead } from "./head/train.js";
export type { TrainedHead, TrainHeadOptions, TrainState } from "./head/trained-head.js";
export type { VariantUse } from "./head/variants.js";
export type { ExclusiveGroups } from "./tags/exclusive.js";
export { CALIBRATIONS, type CalibrationName } from "./training/calibration.js";
export type { FinetuneRecord } from "./training/fine-tune.js";
export { type FittedHead, fitHead, type ScoredTiles } from "./training/fit.js";
export type { FitOptions, FittedWeights, PenalizedHead, UnseenLogits } from "./training/fitted-weights.js";
export type { PrecisionChoice } from "./training/precision.js";
export type { ChosenExclusive, CrossFitted, ReadoutOptions } from "./training/readout.js";
export type { Refitted } from "./training/refit.js";
export type { PrecisionOption, TrainOptions } from "./training/settings.js";
export type { TrainSummary } from "./training/summary.js";
export { type FittedThresholds, fitThresholds, type TagTarget, type ThresholdOptions } from "./training/thresholds.js";
export type { TrainingName, TrainingStates, TrainingsOptions } from "./training/trainings.js";

// Choosing tiles and labels, copies, reports, generated tiles

export { EXCHANGE_FORMATS, type ExchangeFormat } from "./curation/curated-tile.js";
export type { ImageUrlOptions } from "./curation/image-url.js";
export { findLabelIssues, type LabelIssue } from "./curation/label-issues.js";
export { type Suggestion, suggestTiles } from "./curation/suggest.js";
export type { Kernels } from "./features/kernels.js";
export { FIX_FORMATS, type FixFormat } from "./fix/worker.js";
export type { EncodingCount, LeftAsideCount, SizeCount } from "./inspect/counts.js";
export type { LabelFacts } from "./inspect/label-facts.js";
export type { Problem } from "./inspect/problems.js";
export type { FloatNode } from "./quantise/plan.js";
export type { Precision } from "./quantise/precision.js";
export type { WrittenReport } from "./report/store.js";
export type { TileEncoding } from "./synth/encode.js";
export { PLANET_TAGS, type PlanetTag } from "./synth/tag-model.js";
