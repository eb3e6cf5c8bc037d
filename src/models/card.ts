/** The card of a backbone: what is needed to feed it, and where it comes from. */
import * as v from "valibot";
import { count, finite, positive, sha256, side, text } from "../files/schemas.js";

/** The network gets them as float32, in which 1e308 is infinite and 1e-50 is 0. */
const float32 = v.pipe(
  finite,
  v.check((value) => Number.isFinite(Math.fround(value)), "a number that float32 holds"),
);
const nonZero = v.pipe(
  float32,
  v.check((value) => Math.fround(value) !== 0, "not 0"),
);

export const modelCard = v.object({
  /** Name on the command line (`--backbone NAME`), or the file's name for an imported model. */
  name: text,
  /** File name of the ONNX model beside the card or in the cache; the full path if the user gave a file. */
  file: text,
  byteLength: positive,
  sha256,
  licence: text,
  /** Where it comes from and what it was trained on, in a sentence or two. */
  description: text,
  /** The address for `canopy models pull`; absent for models that are in the box or imported. */
  url: v.exactOptional(text),
  /** There is no file: canopy builds an untrained MobileNetV2 from this seed. */
  untrained: v.exactOptional(v.object({ seed: count })),
  input: v.object({
    name: text,
    /** Memory order of the pixels the network wants. */
    layout: v.picklist(["NCHW", "NHWC"]),
    /** Channel order. */
    channels: v.picklist(["RGB", "BGR"]),
    /** The network sees `(pixel / scale - mean[c]) / std[c]`, pixel in 0..255. */
    scale: nonZero,
    mean: v.strictTuple([float32, float32, float32]),
    std: v.strictTuple([nonZero, nonZero, nonZero]),
    /** The one size the network takes, or null if it takes any. */
    fixedSize: v.nullable(side),
    /** The network takes one tile at a time. @default false */
    oneByOne: v.exactOptional(v.boolean()),
    /** Pixels per side canopy feeds it unless told otherwise. */
    defaultSize: side,
    recommendedSizes: v.array(side),
  }),
  features: v.object({
    /** The value that holds the features, null if canopy finds it itself (before the classifier). */
    output: v.nullable(text),
    /** Number of features, those of `levels` included. */
    count: positive,
    /** If that value holds tokens: which are taken. @default the class token if it has one, else the mean of all */
    tokens: v.exactOptional(v.picklist(["class", "mean"])),
    /** Feature maps before the last whose means over height and width come after the features (see withPyramid). @default none */
    levels: v.exactOptional(v.array(v.object({ name: text, count: positive }))),
  }),
  /** Least and greatest of the network's values over many tiles, by name: what 8-bit integers must hold. @default unknown */
  ranges: v.exactOptional(v.record(text, v.tuple([finite, finite]))),
  /** Highest learning rate to fine-tune it with, chosen by unseen tiles. @default the option's own default */
  finetune: v.exactOptional(v.object({ learningRate: v.pipe(finite, v.minValue(1e-9), v.maxValue(1)) })),
  /** File beside the network: the tiles whose labels its weights have learnt. @default none, as far as it is known */
  seenTiles: v.exactOptional(v.pipe(text, v.regex(/^[^/\\]+$/))),
  /** Measured scores, each with what it was measured on. */
  scores: v.exactOptional(v.array(v.object({ metric: text, value: finite, size: positive, measuredOn: text }))),
});

export type ModelCard = v.InferOutput<typeof modelCard>;
