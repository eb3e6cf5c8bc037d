/** The operation behind `canopy doctor`: what canopy finds on this machine, and what would make it faster. */
import { accessSync, constants, existsSync, readFileSync, statSync } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { createRequire } from "node:module";
import { cpus, freemem, totalmem } from "node:os";
import { dirname, join, resolve } from "node:path";
import { searchAddon } from "../addon.js";
import { addonRemedy } from "../addon-file.js";
import { cacheFolder } from "../cache-folder.js";
import { type DeviceReport, probeDevices } from "../features/device.js";
import { chooseKernels, type KernelChoice } from "../features/kernels.js";
import { cpuFeatures, cpuQuota, memoryLimit, usableCores } from "../machine.js";

/** What `canopy doctor --json` prints; the keys are stable. Sizes are bytes. */
export interface DoctorReport {
  canopy: string;
  node: { version: string; platform: string };
  cpu: { model: string; cores: number; usable_cores: number; quota: number | null; features: string[] };
  memory: { total: number; free: number; limit: number | null };
  addon:
    | { built: true; from: string; jpeg: string; simd: string; decoder_version: number }
    | { built: false; reason: string };
  sharp: { version: string; libvips: string };
  onnxruntime: { version: string; device: string; devices: DeviceReport[]; int8: KernelChoice };
  cache: { folder: string; bytes: number; files: number };
  suggestions: string[];
}

const REQUIRE = createRequire(import.meta.url);
/** A larger cache is mentioned. */
const LARGE_CACHE = 10 * 2 ** 30;
/** Below this the default pipeline hardly fits. */
const SMALL_MEMORY = 2 ** 30;

/** Examines the machine. Trying the execution providers takes a second or two. */
export async function examine(): Promise<DoctorReport> {
  const [devices, cache] = await Promise.all([probeDevices(), measureFolder(cacheFolder())]);
  const report: DoctorReport = {
    canopy: packageVersion(new URL("../../../package.json", import.meta.url)),
    node: { version: process.version, platform: `${process.platform}-${process.arch}` },
    cpu: {
      model: cpus()[0]?.model ?? "unknown",
      cores: cpus().length,
      usable_cores: usableCores(),
      quota: cpuQuota() ?? null,
      features: cpuFeatures(),
    },
    memory: { total: totalmem(), free: freemem(), limit: memoryLimit() ?? null },
    addon: describeAddon(),
    sharp: await describeSharp(),
    onnxruntime: {
      version: packageVersion(REQUIRE.resolve("onnxruntime-node/package.json")),
      // What `--device auto` takes: see chooseDevice.
      device: devices.some(({ device, runs }) => device === "cuda" && runs) ? "cuda" : "cpu",
      devices,
      int8: chooseKernels(),
    },
    cache: { folder: cacheFolder(), ...cache },
    suggestions: [],
  };
  return { ...report, suggestions: suggest(report) };
}

function describeAddon(): DoctorReport["addon"] {
  const search = searchAddon();
  if ("reason" in search) return { built: false, reason: search.reason };
  const { jpegVersion, simd, decoderVersion } = search.addon;
  return { built: true, from: search.from, jpeg: jpegVersion, simd, decoder_version: decoderVersion };
}

async function describeSharp(): Promise<DoctorReport["sharp"]> {
  const { default: sharp } = await import("sharp");
  return { version: sharp.versions.sharp ?? "unknown", libvips: sharp.versions.vips };
}

function packageVersion(path: string | URL): string {
  return JSON.parse(readFileSync(path, "utf8")).version;
}

async function measureFolder(folder: string): Promise<{ bytes: number; files: number }> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  const files = entries.filter((entry) => entry.isFile());
  const sizes = await Promise.all(
    files.map(async ({ parentPath, name }) => (await stat(join(parentPath, name)).catch(() => ({ size: 0 }))).size),
  );
  return { bytes: sizes.reduce((sum, size) => sum + size, 0), files: files.length };
}

function suggest({ addon, cpu, memory, onnxruntime, cache }: DoctorReport): string[] {
  const suggestions: string[] = [];
  if (process.env["CANOPY_NO_ADDON"] === "1") {
    suggestions.push(
      "Unset CANOPY_NO_ADDON: with it every tile is decoded through sharp, which is several times slower.",
    );
  } else if (!addon.built) {
    suggestions.push(`Get the native decoder, which is several times faster than sharp: ${addonRemedy()}.`);
  }
  const cuda = onnxruntime.devices.find(({ device }) => device === "cuda");
  if (cuda && !cuda.runs && existsSync("/proc/driver/nvidia/version")) {
    suggestions.push(`There is an NVIDIA GPU that canopy cannot use: ${cuda.reason}. ${cuda.remedy ?? ""}`.trim());
  }
  if (cpu.quota !== null && cpu.quota < cpu.cores) {
    suggestions.push(
      `This container may use ${cpu.quota} of ${cpu.cores} cores; canopy adapts to that, other programs may not.`,
    );
  }
  if ((memory.limit ?? memory.total) < SMALL_MEMORY) {
    suggestions.push(
      "Memory is scarce: give a budget (canopy predict --memory 1G), and prefer small tiles (canopy train --size 128).",
    );
  }
  if (!isWritable(cache.folder)) {
    suggestions.push(
      `Nothing can be kept in the cache folder ${cache.folder}, so that features are computed anew by each run: ` +
        "let CANOPY_CACHE name a folder that can be written into.",
    );
  }
  if (cache.bytes > LARGE_CACHE) {
    suggestions.push(
      `The cache takes ${(cache.bytes / 2 ** 30).toFixed(1)} GiB; ${join(cache.folder, "features")} may be removed at any time.`,
    );
  }
  return suggestions;
}

/** Whether files can be written into `folder`, or it can be made. */
function isWritable(folder: string): boolean {
  const at = resolve(folder);
  if (!existsSync(at) && dirname(at) !== at) return isWritable(dirname(at));
  try {
    accessSync(at, constants.W_OK);
    return statSync(at).isDirectory();
  } catch {
    return false;
  }
}
