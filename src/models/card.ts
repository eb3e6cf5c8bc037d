/** The card of a backbone: what must be known to feed it and to say where it comes from. */

export interface ModelCard {
  /** Name on the command line (`--backbone NAME`), or the file's name for an imported model. */
  name: string;
  /** File name of the ONNX model beside the card or in the cache; the full path where the user gave a file. */
  file: string;
  byteLength: number;
  sha256: string;
  licence: string;
  /** Where it comes from and what it was trained on, in a sentence or two. */
  description: string;
  /** Where `canopy models pull` finds it; absent for models that are in the box or imported. */
  url?: string;
  /** The model is no file: canopy builds an untrained MobileNetV2 from this seed. */
  untrained?: { seed: number };
  input: {
    name: string;
    /** Memory order of the pixels the network wants. */
    layout: "NCHW" | "NHWC";
    /** Channel order. */
    channels: "RGB" | "BGR";
    /** The network sees `(pixel / scale - mean[c]) / std[c]`, pixel in 0..255. */
    scale: number;
    mean: [number, number, number];
    std: [number, number, number];
    /** The one size the network takes, or null where it takes any. */
    fixedSize: number | null;
    /** Pixels per side canopy feeds it unless told otherwise. */
    defaultSize: number;
    recommendedSizes: number[];
  };
  features: {
    /** The value that holds the features, null where canopy finds it itself (before the classifier). */
    output: string | null;
    /** Number of features, those of `levels` included. */
    count: number;
    /** Feature maps before the last whose means over height and width come after the features (see withPyramid). @default none */
    levels?: { name: string; count: number }[];
  };
  /** Measured quality, each with what it was measured on. */
  scores?: { metric: string; value: number; size: number; measuredOn: string }[];
}
