/** `canopy doctor`: what canopy finds on this machine. */
import type { ArgumentsCamelCase, Argv } from "yargs";
import type { DoctorReport } from "../operations/doctor.js";
import { type GlobalArguments, runCommand } from "./common.js";

export const command = "doctor";
export const describe = "Show what canopy finds on this machine and what would make it faster";

export function builder(yargs: Argv): Argv {
  return yargs.example("$0 doctor", "Versions, devices, memory, cache, suggestions");
}

export async function handler(argv: ArgumentsCamelCase<GlobalArguments>): Promise<void> {
  await runCommand(argv, async () => {
    const { examine } = await import("../operations/doctor.js");
    const report = await examine();
    return { json: report, text: formatReport(report) };
  });
}

function formatReport(report: DoctorReport): string {
  const { cpu, memory, addon, onnxruntime, cache, suggestions } = report;
  const lines: [string, string][] = [
    ["canopy", report.canopy],
    ["Node", `${report.node.version} on ${report.node.platform}`],
    [
      "CPU",
      `${cpu.model}, ${cpu.usable_cores} of ${cpu.cores} cores usable; ${cpu.features.join(" ") || "features unknown"}`,
    ],
    [
      "memory",
      `${mib(memory.free)} free of ${mib(memory.total)}${memory.limit === null ? "" : `, limited to ${mib(memory.limit)}`}`,
    ],
    [
      "native decoder",
      addon.built ? `libjpeg-turbo ${addon.jpeg}, ${addon.simd}, from ${addon.from}` : `no: ${addon.reason}`,
    ],
    ["sharp", `${report.sharp.version} (libvips ${report.sharp.libvips})`],
    ["ONNX Runtime", `${onnxruntime.version}, --device auto runs on ${onnxruntime.device}`],
    ...onnxruntime.devices.map(({ device, runs, reason }): [string, string] => [
      `  ${device}`,
      runs ? "runs" : `no: ${reason}`,
    ]),
    [
      "int8 models",
      `${onnxruntime.int8.kernels === "integer" ? "integer kernels" : "simulated in floats"}: ${onnxruntime.int8.reason}`,
    ],
    ["cache", `${cache.folder}: ${mib(cache.bytes)} in ${cache.files} files`],
  ];
  const text = lines.map(([name, value]) => `${name.padEnd(15)} ${value}`).join("\n");
  const advice = suggestions.length === 0 ? "Nothing to suggest." : suggestions.map((each) => `- ${each}`).join("\n");
  return `${text}\n\n${advice}`;
}

function mib(bytes: number): string {
  return `${Math.round(bytes / 2 ** 20)} MiB`;
}
