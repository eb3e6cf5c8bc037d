/** A model to measure predictions with. */
import type { LoadedModel } from "../engine/engine.js";
import { resolveHeadConfig } from "../head/config.js";
import { initHead } from "../head/init.js";
import type { Precision } from "../quantise/precision.js";
import { canopyVersion } from "../versions.js";
import type { PreparedBackbone } from "./rates.js";

/** A head with initial weights: the time does not depend on the tags. */
export function benchModel(
  { resolved, size, device, model }: PreparedBackbone,
  precision: Precision = "fp32",
): LoadedModel {
  const { card } = resolved;
  const tags = Array.from({ length: 17 }, (_, i) => `tag_${i}`);
  return {
    backbone: model,
    device,
    checkpoint: {
      createdBy: `canopy ${canopyVersion()}`,
      tags,
      thresholds: new Float32Array(tags.length).fill(0.5),
      head: initHead(card.features.count, tags.length, 1),
      card,
      backboneSha256: card.sha256,
      ...(precision === "int8" && { precision }),
      preprocessing: { size, colorspace: "auto", antialias: true, tta: "none" },
      training: { head: resolveHeadConfig({ optimizer: "rmsprop" }), tiles: 0, heldOut: 0, settings: {} },
      metrics: {},
      history: [],
    },
  };
}
