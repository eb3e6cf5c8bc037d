/** A finished training: everything for its model, report and summary. */
import type { Checkpoint } from "../head/checkpoint.js";
import type { ModelCard } from "../models/card.js";
import type { Precision } from "../quantise/precision.js";
import type { Tile } from "../tiles/tile.js";
import { canopyVersion } from "../versions.js";
import type { Dataset } from "./dataset.js";
import type { FinetuneRecord } from "./fine-tune.js";
import type { FittedDataset } from "./fit-dataset.js";
import type { TrainSettings } from "./settings.js";

export interface FinishedTraining {
  settings: TrainSettings;
  precision: Precision;
  card: ModelCard;
  /** Pixels per side the backbone was fed. */
  size: number;
  dataset: Dataset;
  fitted: FittedDataset;
  headSeconds: number;
  /** What came of fine-tuning, if it was asked for. */
  finetune?: FinetuneRecord;
}

export function toCheckpoint(training: FinishedTraining): Checkpoint {
  const { settings, precision, card, size, dataset, fitted, finetune } = training;
  const { scored, holdOut, split, config, l2 } = fitted;
  const { fit, readout } = settings;
  const tags = [...dataset.labels.tags];
  const { bands, stretch } = dataset.decode;
  return {
    createdBy: `canopy ${canopyVersion()}`,
    tags,
    thresholds: fitted.thresholds,
    head: fitted.head,
    ...(fitted.exclusive.length > 0 && { exclusive: fitted.exclusive.map((group) => group.map((tag) => tags[tag])) }),
    ...(fitted.exactlyOne && { exactlyOne: true }),
    card,
    backboneSha256: card.sha256,
    ...(precision !== "fp32" && { precision }),
    preprocessing: {
      size,
      colorspace: dataset.decode.colorspace,
      antialias: dataset.decode.antialias,
      tta: fit.tta,
      ...(bands !== null && { bands: [...bands] }),
      ...(stretch !== null && { stretch: stretch.map(([low, high]) => [low, high] as [number, number]) }),
    },
    training: {
      head: config,
      tiles: dataset.tiles.length,
      heldOut: split.heldOut.length,
      settings: {
        val: fit.holdOut,
        augment: fit.augment,
        beta: readout.beta,
        calibrate: readout.calibrate,
        ...(readout.targets.length > 0 && { targets: readout.targets }),
        ...(l2 !== undefined && { l2 }),
        device: dataset.device,
        ...(finetune && { finetune: recipeOf(settings, finetune) }),
      },
    },
    metrics: {
      ...(scored.measuredOn === "out-of-fold" && { crossValidated: scored.metrics }),
      ...(holdOut && { holdOut }),
    },
    history: fitted.history,
  };
}

/** Those that the weights have seen. Of very many tiles for validation only some are scored. */
export function trainedTiles({ dataset, fitted: { scored } }: FinishedTraining): Tile[] {
  const heldOut = scored.measuredOn === "hold-out" ? scored.rows : [];
  const unseen = new Set([...heldOut, ...(dataset.validation ?? [])]);
  return dataset.tiles.filter((_, row) => !unseen.has(row));
}

/** The recipe and its result; what differs from one run to the next (times) is left out, so that a seed gives one model. */
function recipeOf({ finetune: config }: TrainSettings, record: FinetuneRecord) {
  const { msPerTile: _msPerTile, seconds: _seconds, ...result } = record;
  return { ...config, ...result };
}
