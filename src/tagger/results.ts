/** What the tagger says of a picture. Printed as JSON it is what prediction files have. */
import type { DecodeFailure } from "../decode/decoder.js";
import type { TaggedRow } from "../tags/prediction.js";
import { formatFloat32 } from "../tags/rows.js";

export interface TaggedPicture {
  /** As it was given: see `Picture`. */
  name: string;
  /** Tags whose probability reaches their threshold, in the model's order. */
  tags: string[];
  /** Of each tag of the model: the shortest decimal that reads back as the same float32, as in prediction files. */
  probabilities: Record<string, number>;
  error?: undefined;
}

/** A picture that could not be read. */
export interface RejectedPicture {
  /** As it was given: see `Picture`. */
  name: string;
  /** Why. */
  error: DecodeFailure;
  tags?: undefined;
  probabilities?: undefined;
}

/** Told apart by `error`. */
export type TagResult = TaggedPicture | RejectedPicture;

export function toTagged(name: string, { tags, probabilities }: TaggedRow, model: readonly string[]): TaggedPicture {
  const values = model.map((tag, column) => [tag, Number(formatFloat32(probabilities[column]))]);
  return { name, tags, probabilities: Object.fromEntries(values) };
}
