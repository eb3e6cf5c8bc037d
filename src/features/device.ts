/**
 * Which execution provider runs the backbone. ONNX Runtime lists providers it cannot run, and some crash the process,
 * so each is tried in a child process with a session that really computes.
 */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { checkOneOf } from "../check.js";
import { ModelError } from "../errors.js";

export const DEVICES = ["auto", "cpu", "cuda", "webgpu"] as const;
/** What `--device` takes. */
export type DeviceChoice = (typeof DEVICES)[number];
/** A provider of ONNX Runtime. */
export type Device = Exclude<DeviceChoice, "auto">;

export interface DeviceReport {
  device: Device;
  /** True if a session was created on it and computed the right thing. */
  runs: boolean;
  /** Why it does not run; undefined if it does. */
  reason?: string;
  /** What to do about it; undefined if nothing is known. */
  remedy?: string;
}

const ONNX_RUNTIME = dirname(createRequire(import.meta.url).resolve("onnxruntime-node/package.json"));
const GET_CUDA = `Get it with \`node ${join(ONNX_RUNTIME, "script/install.js")} --onnxruntime-node-install\`.`;
/** Milliseconds a provider may take to compute six numbers: the first CUDA start is slow. */
const PROBE_TIMEOUT = 120_000;

/**
 * The provider to run on. `auto` is CUDA if it runs, else the CPU; WebGPU, which ONNX Runtime calls experimental, only when asked for.
 * @throws ModelError if the provider asked for does not run, saying what is missing and how to get it.
 */
export async function chooseDevice(choice: DeviceChoice = "auto"): Promise<Device> {
  checkOneOf("device", choice, DEVICES);
  if (choice === "cpu") return "cpu";
  const report = await probeDevice(choice === "auto" ? "cuda" : choice);
  if (report.runs) return report.device;
  if (choice === "auto") return "cpu";
  throw new ModelError(
    `The device ${choice} cannot be used: ${report.reason}.${report.remedy ? ` ${report.remedy}` : ""}`,
  );
}

/** Tries one provider. */
export async function probeDevice(device: Device): Promise<DeviceReport> {
  if (device === "cuda") {
    const missing = missingCudaBinding();
    if (missing) return { device, runs: false, ...missing };
  }
  const { message, log } = await runProbe(device);
  return message === "" ? { device, runs: true } : { device, runs: false, ...explain(device, message, log) };
}

/** All providers, by the speed to expect. */
export function probeDevices(): Promise<DeviceReport[]> {
  return Promise.all((["cuda", "webgpu", "cpu"] as const).map(probeDevice));
}

type Explanation = Pick<DeviceReport, "reason" | "remedy">;

/** npm does not install ONNX Runtime's CUDA part; without it there is nothing to try. */
function missingCudaBinding(): Explanation | undefined {
  if (process.platform !== "linux" || process.arch !== "x64") {
    return { reason: `ONNX Runtime for Node has no CUDA on ${process.platform}-${process.arch}` };
  }
  const file = "libonnxruntime_providers_cuda.so";
  if (existsSync(join(ONNX_RUNTIME, "bin/napi-v6/linux/x64", file))) return undefined;
  return {
    reason: `ONNX Runtime's CUDA library ${file} is not installed`,
    remedy: GET_CUDA,
  };
}

function runProbe(device: Device): Promise<{ message: string; log: string }> {
  const script = fileURLToPath(new URL("./device-probe.js", import.meta.url));
  return new Promise((resolve) => {
    execFile(process.execPath, [script, device], { timeout: PROBE_TIMEOUT }, (error, stdout, stderr) => {
      const died = error === null ? "" : `the probe ended with ${error.signal ?? error.code}`;
      resolve({ message: stdout || died, log: stderr });
    });
  });
}

/** ONNX Runtime's error often says only that it failed; its log says what is missing. */
function explain(device: Device, message: string, log: string): Explanation {
  const library = /(lib[\w.+-]+\.so[\d.]*): cannot open shared object file/.exec(`${message}\n${log}`)?.[1];
  if (library !== undefined) return { reason: `the library ${library} is missing`, remedy: remedyFor(library) };
  const adapter = /Failed to get a WebGPU adapter: ([^\n]*)/.exec(message)?.[1];
  if (adapter !== undefined) {
    return {
      reason: `no WebGPU adapter was found (${adapter})`,
      remedy: "It needs a GPU with a recent Vulkan driver.",
    };
  }
  return { reason: `${device} fails with: ${lastSentence(message)}` };
}

function remedyFor(library: string): string {
  if (library.includes("cudnn"))
    return "Get cuDNN 9 from NVIDIA's package repository: `apt-get install libcudnn9-cuda-12`.";
  if (library.includes("vulkan")) return "Get it with `apt-get install libvulkan1`, and the Vulkan driver of your GPU.";
  if (library.includes("onnxruntime")) return GET_CUDA;
  return "Get the CUDA 12 libraries from NVIDIA's package repository: `apt-get install cuda-libraries-12-9`.";
}

/** ONNX Runtime puts file, line and function before the message. */
function lastSentence(message: string): string {
  return message
    .trim()
    .split("\n")
    .at(-1)!
    .replace(/^.*(\)|>|&) /, "")
    .slice(0, 300);
}
