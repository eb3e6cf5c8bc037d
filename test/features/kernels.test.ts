import assert from "node:assert/strict";
import { test } from "node:test";
import { type Cpu, chooseKernels, integerFormOn, precisionOn } from "../../src/features/kernels.js";
import { sessionOptions } from "../../src/features/session-options.js";

const XEON: Cpu = { arch: "x64", platform: "linux", features: ["avx2", "avx512f"], simd: "avx2", limit: undefined };

test("x86 computes with integers only if it has VNNI, by /proc/cpuinfo or the addon", () => {
  assert.equal(chooseKernels(XEON).kernels, "simulated");
  assert.match(chooseKernels(XEON).reason, /no VNNI/);
  for (const name of ["avx512_vnni", "avx_vnni"]) {
    assert.equal(chooseKernels({ ...XEON, features: ["avx2", name] }).kernels, "integer");
  }
  assert.equal(chooseKernels({ ...XEON, platform: "win32", features: [], simd: "avx512" }).kernels, "integer");
  assert.equal(chooseKernels({ ...XEON, platform: "win32", features: [], simd: undefined }).kernels, "simulated");
});

test("CANOPY_SIMD below avx512 leaves VNNI out", () => {
  const vnni = { ...XEON, features: ["avx512_vnni"] };
  for (const limit of ["scalar", "sse4", "avx2"]) {
    assert.equal(chooseKernels({ ...vnni, limit }).kernels, "simulated");
    assert.match(chooseKernels({ ...vnni, limit }).reason, new RegExp(`CANOPY_SIMD=${limit}`));
  }
  assert.equal(chooseKernels({ ...vnni, limit: "avx512" }).kernels, "integer");
});

test("ARM computes with integers if it has dot products, as all Macs do", () => {
  const arm: Cpu = { arch: "arm64", platform: "linux", features: ["asimd"], simd: undefined, limit: undefined };
  assert.equal(chooseKernels(arm).kernels, "simulated");
  assert.equal(chooseKernels({ ...arm, features: ["asimd", "asimddp"] }).kernels, "integer");
  assert.equal(chooseKernels({ ...arm, platform: "darwin", features: [] }).kernels, "integer");
  assert.equal(chooseKernels({ ...arm, arch: "riscv64" }).kernels, "simulated");
});

test("GPUs get pairs, and sessions are told to compute them in floats", () => {
  assert.equal(integerFormOn("cuda"), "pairs");
  const { extra } = sessionOptions("cuda", 1);
  assert.equal((extra as { session: Record<string, unknown> }).session["disable_quant_qdq"], "1");
});

test("half precision is for GPUs, and floats take its place on the CPU; nothing else changes", () => {
  assert.deepEqual([precisionOn("cuda", "fp16"), precisionOn("webgpu", "fp16")], ["fp16", "fp16"]);
  assert.equal(precisionOn("cpu", "fp16"), "fp32");
  assert.deepEqual([precisionOn("cpu", "int8"), precisionOn("cuda", "fp32")], ["int8", "fp32"]);
});
