/** Reports to test with: made-up probabilities and pictures, everything else derived from them as training would. */
import { createRandom } from "../../src/random.js";
import { type LabelErrors, type ReportData, type Summary, wantedPictures } from "../../src/report/data.js";
import { summarise } from "../../src/report/summary.js";
import { makeThumbnail } from "../../src/report/thumbnail.js";

export interface SampleOptions {
  tags?: string[];
  rows?: number;
  epochs?: number;
  tileName?: (row: number) => string;
  /** The source of every picture; "" for none. @default a real thumbnail */
  picture?: string;
}

/** A report whose last tag has no positives where there are several. */
export async function sampleReport({
  tags = ["clear", "haze", "primary", "blow_down"],
  rows = 120,
  epochs = 20,
  tileName = (row) => `train_${row}`,
  picture,
}: SampleOptions = {}): Promise<ReportData> {
  const thresholds = tags.map(() => 0.4);
  const scored = { ...makeUp(tags.length, rows), tags, names: Array.from({ length: rows }, (_, row) => tileName(row)) };
  const summary = summarise({ ...scored, thresholds });
  const labelErrors: LabelErrors = {
    file: "label-errors.csv",
    count: 2,
    expected: 1.7,
    suspects: [
      { name: scored.names[0], tag: tags[0], given: true, score: 0.9, tags: [tags[0]] },
      { name: scored.names[1], tag: tags[0], given: false, score: 0.8, tags: [] },
    ],
  };
  const source = picture ?? (await makeThumbnail(new Uint8Array(64 * 64 * 3).fill(90), 64));
  const names = source === "" ? [] : wantedPictures(summary, labelErrors);
  return {
    version: 3,
    name: "amazon",
    createdBy: "canopy 0.1.0",
    createdAt: "2026-01-02T03:04:05.000Z",
    training: {
      input: "tiles",
      labels: "labels.csv",
      tiles: rows,
      rejected: 1,
      tilesWithoutLabels: 2,
      labelsWithoutTiles: 3,
      backbone: { name: "imagenet", sha256: "ab".repeat(32), licence: "Apache-2.0", description: "MobileNetV2" },
      size: 128,
      device: "cpu",
      seed: 1,
      recipe: { optimizer: "rmsprop", epochs },
      versions: { canopy: "0.1.0" },
      machine: "2 cores",
      seconds: 75,
    },
    score: {
      metrics: metricsOf(summary, thresholds),
      measuredOn: "out-of-fold",
      folds: 5,
      interval: { low: 0.84, high: 0.88, level: 0.95 },
    },
    summary,
    history: Array.from({ length: epochs }, (_, i) => ({
      epoch: i + 1,
      loss: 1 / (i + 2),
      binaryAccuracy: 0.9,
      f2: 0.8,
      valLoss: i % 7 === 3 ? null : 1.1 / (i + 2),
      valBinaryAccuracy: 0.88,
      valF2: 0.78,
    })),
    labelErrors,
    speed: [{ stage: "features", count: rows, unit: "tiles", seconds: 2 }],
    warnings: [],
    pictures: names.map((name) => ({ name, source })),
  };
}

function makeUp(numTags: number, rows: number): { probabilities: Float32Array; labels: Uint8Array } {
  const random = createRandom(7);
  const labels = new Uint8Array(rows * numTags);
  const probabilities = new Float32Array(rows * numTags);
  for (let cell = 0; cell < labels.length; cell++) {
    const column = cell % numTags;
    const frequency = column > 0 && column === numTags - 1 ? 0 : 0.8 / (column + 1);
    labels[cell] = random.uniform() < frequency ? 1 : 0;
    probabilities[cell] = 0.7 * random.uniform() + (labels[cell] === 1 ? 0.3 : 0);
  }
  return { probabilities, labels };
}

function metricsOf(summary: Summary, thresholds: number[]): ReportData["score"]["metrics"] {
  const perTag = summary.tags.map((tag, column) => {
    const support = tag.hits.count + tag.misses.count;
    const predicted = tag.hits.count + tag.falseAlarms.count;
    return {
      tag: tag.tag,
      support,
      predicted,
      threshold: thresholds[column],
      precision: predicted === 0 ? null : tag.hits.count / predicted,
      recall: support === 0 ? null : tag.hits.count / support,
      f2: support === 0 ? null : (5 * tag.hits.count) / (predicted + 4 * support),
      averagePrecision: support === 0 ? null : 0.6,
    };
  });
  return {
    tiles: summary.tiles,
    f2: 0.86,
    f2AtHalf: 0.8,
    map: 0.5,
    minSupport: 3,
    microF1: 0.7,
    macroF1: null,
    binaryAccuracy: 0.95,
    perTag,
  };
}
