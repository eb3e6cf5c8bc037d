/** Well-known files, recognised by their hash, so that users need not say how they want their pixels. */
import type { ModelCard } from "./card.js";

type Known = Omit<ModelCard, "file" | "byteLength" | "sha256">;

const MOBILENETV2_TF: Known = {
  name: "mobilenetv2-tf",
  licence: "Apache-2.0",
  description: "MobileNetV2 1.0 by Google, trained on ImageNet-1k, converted from TensorFlow Lite.",
  input: {
    name: "input",
    layout: "NCHW",
    channels: "RGB",
    scale: 127.5,
    mean: [1, 1, 1],
    std: [1, 1, 1],
    fixedSize: null,
    defaultSize: 224,
    recommendedSizes: [128, 160, 192, 224],
  },
  features: { output: "features", count: 1280 },
};

const BY_SHA256: Readonly<Record<string, Known>> = {
  d32e22e5d7abed518809958d8765612cc04a4a2ce1d22f962d411a1b2c92612e: MOBILENETV2_TF,
  "35164d47c338229c3f0dede89a8d35b98c5400d05a772a5fb42f69c04c9a61b0": MOBILENETV2_TF,
  e4d395a6487797fb0b7239a96bcee1478fbd355b02fd73d448b089e1ff591b4d: MOBILENETV2_TF,
};

/** What is known of the file with this hash, if anything. */
export function knownModel(sha256: string): Known | undefined {
  return BY_SHA256[sha256];
}

/** Options by which a user describes a file that canopy does not know. */
const SAID = ["input", "layout", "channels", "normalisation", "output", "tokens"] as const;

/** Those of them that are given, in backticks. */
export function saidOf(options: { [Name in (typeof SAID)[number]]?: unknown }): string[] {
  return SAID.filter((name) => options[name] !== undefined).map((name) => `\`${name}\``);
}
