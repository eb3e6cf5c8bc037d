/** Schemas for many files. Messages say what was expected. */
import * as v from "valibot";

export const text = v.pipe(v.string(), v.nonEmpty("a text that is not empty"));

/** The name of a tag: outputs, terminals and logs show it. */
export const tagName = v.pipe(
  text,
  v.check((name) => !/\p{Cc}/u.test(name), "a tag without control characters"),
);

export const count = v.pipe(v.number(), v.safeInteger("a whole number"), v.minValue(0, "at least 0"));

export const positive = v.pipe(count, v.minValue(1, "at least 1"));

/** Pixels per side of what a network gets: batches of larger tiles would not fit in memory. */
export const MAX_SIDE = 4096;
export const side = v.pipe(positive, v.maxValue(MAX_SIDE, `at most ${MAX_SIDE}`));

export const finite = v.pipe(v.number(), v.finite("a finite number"));

/** A probability, or another share of a whole. */
export const share = v.pipe(v.number(), v.minValue(0, "0 to 1"), v.maxValue(1, "0 to 1"));

export const sha256 = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/, "a SHA-256 in hex"));
