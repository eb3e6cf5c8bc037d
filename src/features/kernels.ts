/**
 * Which kernels run a quantised backbone. Without instructions for dot products of bytes, ONNX Runtime's integer kernels
 * gain nothing, and on x86 give wrong sums (pairs of products saturate at 16 bits). Floats give the same there.
 */
import { loadAddon } from "../addon.js";
import { cpuFeatures } from "../machine.js";
import type { IntegerForm, Precision } from "../quantise/precision.js";
import type { Device } from "./device.js";

/** "integer": integer arithmetic. "simulated": the same rounding in float arithmetic. */
export const KERNELS = ["integer", "simulated"] as const;
export type Kernels = (typeof KERNELS)[number];

/** What is known of a processor. */
export interface Cpu {
  /** As in `process.arch`. */
  arch: string;
  /** As in `process.platform`. */
  platform: string;
  /** As Linux names them; empty if it cannot be told. */
  features: readonly string[];
  /** The addon's level, which it finds by itself; undefined without the addon. */
  simd: string | undefined;
  /** The environment variable CANOPY_SIMD, which says how much of the processor is used. */
  limit: string | undefined;
}

export interface KernelChoice {
  kernels: Kernels;
  /** Why, as the end of a sentence. */
  reason: string;
}

/** On `device`: processors other than the CPU compute in floats. */
export function kernelsOn(device: Device): KernelChoice {
  return device === "cpu" ? chooseKernels() : { kernels: "simulated", reason: `${device} computes in floats` };
}

/** GPUs multiply with fewer digits than whole numbers need, so that they get pairs, too. */
export function integerFormOn(device: Device): IntegerForm {
  return device === "cpu" && chooseKernels().kernels === "simulated" ? "whole" : "pairs";
}

/** What a model of `precision` computes with on `device`: half precision is for GPUs, elsewhere floats take its place. */
export function precisionOn(device: Device, precision: Precision): Precision {
  return precision === "fp16" && device === "cpu" ? "fp32" : precision;
}

export function chooseKernels(cpu: Cpu = thisCpu()): KernelChoice {
  const { arch, limit } = cpu;
  if (limit !== undefined && ["scalar", "sse4", "avx2"].includes(limit)) {
    return {
      kernels: "simulated",
      reason: `CANOPY_SIMD=${limit} leaves out the instructions for dot products of bytes`,
    };
  }
  const found = dotProducts(cpu);
  if (found !== undefined) return { kernels: "integer", reason: `the processor has ${found}` };
  const missing = arch === "x64" ? "VNNI" : arch === "arm64" ? "dot products (asimddp)" : "known instructions";
  return { kernels: "simulated", reason: `the processor has no ${missing}` };
}

/** The instructions for dot products of bytes. */
function dotProducts({ arch, platform, features, simd }: Cpu): string | undefined {
  if (arch === "arm64") {
    if (features.includes("asimddp")) return "dot products of bytes (asimddp)";
    return platform === "darwin" ? "dot products of bytes" : undefined;
  }
  if (arch !== "x64") return undefined;
  // The addon's highest level asks for VNNI, among others.
  const vnni = features.find((name) => name === "avx512_vnni" || name === "avx_vnni");
  return vnni !== undefined || simd === "avx512" ? `VNNI${vnni ? ` (${vnni})` : ""}` : undefined;
}

export function thisCpu(): Cpu {
  const limit = process.env["CANOPY_SIMD"] || undefined;
  return { arch: process.arch, platform: process.platform, features: cpuFeatures(), simd: loadAddon()?.simd, limit };
}
