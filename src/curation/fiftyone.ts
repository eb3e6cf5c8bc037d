/** Tiles as JSON that a few lines of Python load into FiftyOne; docs/curation.md has them. */
import { absoluteLocation, type CuratedTile } from "./curated-tile.js";

/** One sample; fields carry FiftyOne's names. Null if nothing is known. */
interface FiftyOneSample {
  /** Absolute path of the picture, or its address. */
  filepath: string;
  name: string;
  ground_truth: { label: string }[] | null;
  predictions: { label: string; confidence: number | null }[] | null;
  /** Tags of its labels that are probably wrong, missing ones too, with their probabilities. */
  doubts: { label: string; confidence: number }[] | null;
  score: number | null;
  reason: string | null;
}

export function toSample({ tile, labels, prediction, suggestion, doubts }: CuratedTile): FiftyOneSample {
  return {
    filepath: absoluteLocation(tile),
    name: tile.name,
    ground_truth: labels?.map((label) => ({ label })) ?? null,
    predictions:
      prediction?.tags.map((label) => ({ label, confidence: prediction.probabilities?.get(label) ?? null })) ?? null,
    doubts: doubts?.map(({ tag, probability }) => ({ label: tag, confidence: probability })) ?? null,
    score: suggestion?.score ?? null,
    reason: suggestion?.reason ?? null,
  };
}
