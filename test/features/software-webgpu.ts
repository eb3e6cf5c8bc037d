/** WebGPU without a GPU: by SwiftShader, a Vulkan in software, which Debian's Chromium brings. */
import { existsSync } from "node:fs";
import { probeDevice } from "../../src/features/device.js";

const SWIFTSHADER = "/usr/lib/chromium/vk_swiftshader_icd.json";
if (existsSync(SWIFTSHADER)) process.env["VK_DRIVER_FILES"] ??= SWIFTSHADER;

const { runs, reason } = await probeDevice("webgpu");

/** Options of tests that need WebGPU. */
export const NEEDS_WEBGPU = runs ? {} : { skip: `WebGPU does not run here: ${reason}` };
