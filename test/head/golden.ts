/** The golden training data: 600 real tiles' features and labels, and what Keras made of them. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { FeatureMatrix } from "../../src/head/feature-matrix.js";
import type { LabelMatrix } from "../../src/tiles/label-matrix.js";
import { SHARED } from "../helpers.js";

export interface GoldenRun {
  config: Record<string, number | boolean>;
  history: { loss: number[]; binary_accuracy: number[] };
  final_loss: number;
}

export interface Golden {
  features: FeatureMatrix;
  labels: LabelMatrix;
  runs: Record<"rmsprop" | "adam" | "sgd_momentum", GoldenRun>;
}

export function loadGolden(): Golden {
  const { tags, runs } = JSON.parse(readFileSync(join(SHARED, "golden/golden.json"), "utf8"));
  const labels = { data: new Uint8Array(readFileSync(join(SHARED, "golden/labels.u8"))), rows: 600, tags };
  return { features: { data: goldenFloats("features"), rows: 600, numFeatures: 1280 }, labels, runs };
}

export function goldenFloats(name: string): Float32Array {
  return new Float32Array(new Uint8Array(readFileSync(join(SHARED, `golden/${name}.f32`))).buffer);
}
