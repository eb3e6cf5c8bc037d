/** How good predicted tags are. In: probabilities, thresholds and the true labels. Out: the numbers people compare. */

/** One tag's scores. `null` where a number has no meaning: it is left out of means, and never counted as 0. */
export interface TagMetrics {
  tag: string;
  /** Tiles that have the tag. */
  support: number;
  /** Tiles it was predicted for. */
  predicted: number;
  threshold: number;
  /** Null where the tag was never predicted. */
  precision: number | null;
  /** Null where no tile has the tag. */
  recall: number | null;
  /** Null where no tile has the tag. */
  f2: number | null;
  /** Null where no tile has the tag. */
  averagePrecision: number | null;
}

export interface Metrics {
  tiles: number;
  /** Samples-averaged F2 (the Kaggle metric) at the given thresholds. */
  f2: number;
  /** The same at 0.5 for every tag. */
  f2AtHalf: number;
  /** Mean of the average precisions of tags with at least `minSupport` tiles; null where there is none. */
  map: number | null;
  /** Fewest tiles a tag needs to count in `map`. */
  minSupport: number;
  microF1: number;
  /** Mean F1 over tags that some tile has; null where there is none. */
  macroF1: number | null;
  /** Share of right cells of the label matrix. */
  binaryAccuracy: number;
  perTag: TagMetrics[];
}
