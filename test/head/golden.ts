/** Heads that Keras has trained: features drawn from a seed, for everybody; those of 600 real tiles where they lie beside the checkout. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { GradientConfig, HeadOptions } from "../../src/head/config.js";
import type { FeatureMatrix } from "../../src/head/feature-matrix.js";
import type { Head } from "../../src/head/head.js";
import type { LabelMatrix } from "../../src/tiles/label-matrix.js";
import { GOLDENS, readFloats } from "../goldens.js";
import { SHARED } from "../helpers.js";

export const DRAWN = join(GOLDENS, "heads");
export const REAL = join(SHARED, "golden");

interface KerasRun {
  config: Record<string, number | boolean>;
  history: { loss: number[]; binary_accuracy: number[] };
}

interface Golden {
  features: FeatureMatrix;
  labels: LabelMatrix;
  runs: Record<string, KerasRun>;
}

export function loadGolden(folder: string): Golden {
  const { rows, features: numFeatures, tags, runs } = JSON.parse(readFileSync(join(folder, "golden.json"), "utf8"));
  const labels = { data: new Uint8Array(readFileSync(join(folder, "labels.u8"))), rows, tags };
  return { features: { data: readFloats(join(folder, "features.f32")), rows, numFeatures }, labels, runs };
}

/** The head that Keras began with, or ended with after the run of that name. */
export function loadHead(folder: string, name: string, { features, labels }: Golden): Head {
  const numTags = labels.tags.length;
  const bias = name === "W0" ? new Float32Array(numTags) : readFloats(join(folder, `${name}_b.f32`));
  const weight = readFloats(join(folder, name === "W0" ? "W0.f32" : `${name}_W.f32`));
  return { weight, bias, numFeatures: features.numFeatures, numTags };
}

const OPTION_NAMES: Record<string, keyof HeadOptions> = {
  learning_rate: "learningRate",
  rho: "rho",
  momentum: "momentum",
  epsilon: "epsilon",
  beta_1: "beta1",
  beta_2: "beta2",
  nesterov: "nesterov",
};

/** canopy's options for the settings that Keras reports of a run, whose name begins with the optimiser's. */
export function optionsOf(name: string, { config }: KerasRun): HeadOptions {
  const said = Object.entries(config).filter(([key]) => key in OPTION_NAMES);
  const options = Object.fromEntries(said.map(([key, value]) => [OPTION_NAMES[key], value]));
  return { ...options, optimizer: name.split("_")[0] as GradientConfig["optimizer"] };
}
