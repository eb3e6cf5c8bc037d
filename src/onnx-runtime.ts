/**
 * The one place that loads ONNX Runtime. On Linux its telemetry writes a device id and a database under the user's home and reports to
 * its maker, unless ORT_DISABLE_TELEMETRY is set in the environment of the process when the library starts.
 */
import { createRequire } from "node:module";
import { isMainThread } from "node:worker_threads";
import type * as OnnxRuntime from "onnxruntime-node";
import { loadAddon } from "./addon.js";
import { CanopyError } from "./errors.js";

const require = createRequire(import.meta.url);

export function loadOnnxRuntime(): typeof OnnxRuntime {
  switchOffTelemetry();
  try {
    return require("onnxruntime-node");
  } catch (error) {
    throw explainLoading(error);
  }
}

/** Says where ONNX Runtime has no build; other failures are left as they are. */
export function explainLoading(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  // Alpine's loader is known by its words.
  if (/^Error (loading shared library|relocating) /m.test(error.message)) {
    return noBuild(
      "musl, the C library of Alpine: run canopy where glibc is, as in the image node:22-bookworm-slim",
      error,
    );
  }
  if (/^Cannot find module .*onnxruntime_binding\.node/.test(error.message)) {
    const machine = `${process.platform}-${process.arch}`;
    return noBuild(`${machine}: it has them for Linux and Windows on x64 and arm64, and for macOS on arm64`, error);
  }
  return error;
}

function noBuild(what: string, cause: Error): CanopyError {
  return new CanopyError("RUNTIME", `ONNX Runtime for Node has no build for ${what}.`, { cause });
}

/** To be called before threads that load ONNX Runtime are started: without the addon they cannot do it themselves. */
export function switchOffTelemetry(): void {
  // What other threads set in `process.env` is a copy that libraries never see.
  if (isMainThread) process.env["ORT_DISABLE_TELEMETRY"] = "1";
  else if (loadAddon() !== undefined) loadAddon()?.disableTelemetry();
  else if (process.env["ORT_DISABLE_TELEMETRY"] !== "1") {
    throw new CanopyError(
      "TELEMETRY",
      "ONNX Runtime's telemetry cannot be switched off from a worker thread without canopy's native addon: " +
        "start the program with ORT_DISABLE_TELEMETRY=1 in its environment.",
    );
  }
}
