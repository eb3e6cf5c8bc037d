/** Versions of canopy and of everything its numbers depend on. */
import { createRequire } from "node:module";
import { loadAddon } from "./addon.js";

const require = createRequire(import.meta.url);

/** canopy's own version, for example "0.1.0". */
export function canopyVersion(): string {
  return require("../../package.json").version;
}

export function onnxRuntimeVersion(): string {
  return require("onnxruntime-node/package.json").version;
}

/** Versions that a model or a benchmark was made with. */
export function versions(): Record<string, string> {
  const jpeg = loadAddon()?.jpegVersion;
  return {
    canopy: canopyVersion(),
    node: process.versions.node,
    "onnxruntime-node": onnxRuntimeVersion(),
    ...(jpeg === undefined ? { sharp: require("sharp").versions.sharp } : { "libjpeg-turbo": jpeg }),
  };
}
