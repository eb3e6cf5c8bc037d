/** The machine and versions of a measurement. */
import { createRequire } from "node:module";
import { arch, cpus, platform, release, totalmem } from "node:os";
import { loadAddon } from "../addon.js";
import { cpuFeatures, memoryLimit, usableCores } from "../machine.js";
import { canopyVersion, onnxRuntimeVersion } from "../versions.js";

export interface MachineFacts {
  cpu: string;
  cores: number;
  usable_cores: number;
  cpu_features: string[];
  memory_bytes: number;
  os: string;
}

export function machineFacts(): MachineFacts {
  return {
    cpu: cpus()[0]?.model.trim() ?? "unknown",
    cores: cpus().length,
    usable_cores: usableCores(),
    cpu_features: cpuFeatures(),
    memory_bytes: memoryLimit() ?? totalmem(),
    os: `${platform()} ${kernelVersion()} ${arch()}`,
  };
}

/** Versions of all libraries and tools measured, by name. */
export function versionFacts(): Record<string, string> {
  const sharp = createRequire(import.meta.url)("sharp").versions as Record<string, string>;
  const addon = loadAddon();
  return {
    canopy: canopyVersion(),
    node: process.versions.node,
    ...(addon === undefined ? {} : { "libjpeg-turbo": addon.jpegVersion, simd: addon.simd }),
    sharp: sharp["sharp"],
    libvips: sharp["vips"],
    "onnxruntime-node": onnxRuntimeVersion(),
  };
}

/** Without build suffixes: "6.1" of "6.1.0-18-amd64". */
function kernelVersion(): string {
  return /^\d+\.\d+/.exec(release())?.[0] ?? release();
}
