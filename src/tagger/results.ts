/** The tagger's result for a picture. As JSON it has the keys of prediction files. */
import type { DecodeFailure } from "../decode/decoder.js";
import type { TaggedRow } from "../tags/prediction.js";
import { formatFloat32 } from "../tags/rows.js";

export interface TaggedPicture {
  /** Its name: see `Picture`. */
  name: string;
  /** Tags whose probability reaches their threshold, in the model's order. */
  tags: string[];
  /** For each tag of the model: the shortest decimal that reads back as the same float32, as in prediction files. */
  probabilities: Record<string, number>;
  error?: undefined;
}

/** A picture that could not be read. */
export interface RejectedPicture {
  /** Its name: see `Picture`. */
  name: string;
  /** Why. */
  error: DecodeFailure;
  tags?: undefined;
  probabilities?: undefined;
}

/** `error` tells which of the two it is. */
export type TagResult = TaggedPicture | RejectedPicture;

export function toTagged(name: string, { tags, probabilities }: TaggedRow, model: readonly string[]): TaggedPicture {
  const values = model.map((tag, column) => [tag, Number(formatFloat32(probabilities[column]))]);
  return { name, tags, probabilities: Object.fromEntries(values) };
}
