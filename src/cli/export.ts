/** `canopy export`: a trained model as one ONNX file. */
import type { ArgumentsCamelCase, Argv, InferredOptionTypes } from "yargs";
import { KERNELS } from "../features/kernels.js";
import type { ExportSummary } from "../operations/export.js";
import { type GlobalArguments, runCommand, withOverwrite } from "./common.js";

export const command = "export";
export const describe = "Write a model as one ONNX file: tiles in, probabilities out, tags and thresholds inside";

const OPTIONS = {
  model: { alias: "m", type: "string", demandOption: true, requiresArg: true, describe: "Folder of the trained model" },
  out: { alias: "o", type: "string", demandOption: true, requiresArg: true, describe: "ONNX file to write" },
  backbone: { type: "string", requiresArg: true, describe: "Where the backbone's FILE.onnx is now, if it has moved" },
  kernels: {
    choices: KERNELS,
    describe: "Of an int8 model: for integer kernels (default), or simulated in floats, right on every processor",
  },
} as const;

type ExportArguments = GlobalArguments & InferredOptionTypes<typeof OPTIONS> & { overwrite: boolean };

export function builder(yargs: Argv): Argv {
  return withOverwrite(yargs.options(OPTIONS)).example("$0 export --model model --out model.onnx", "");
}

export async function handler(argv: ArgumentsCamelCase<ExportArguments>): Promise<void> {
  await runCommand(argv, async (context) => {
    const { exportModel } = await import("../operations/export.js");
    const { model, out, backbone, overwrite, kernels } = argv;
    const summary = await exportModel(
      { model, out, overwrite, ...(backbone === undefined ? {} : { backbone }), ...(kernels && { kernels }) },
      context,
    );
    return { json: summary, text: describeExport(summary) };
  });
}

function describeExport({ out, bytes, tags, size, difference }: ExportSummary): string {
  return [
    `${out}: ${(bytes / 1e6).toFixed(1)} MB, ${tags.length} tags`,
    `in   tiles          uint8   [N, H, W, 3]  RGB; other sizes than ${size} are resized inside`,
    "out  probabilities  float32 [N, tags]     a tag is given if its probability reaches its threshold",
    `checked: probabilities within ${difference.toExponential(0)} of canopy's`,
  ].join("\n");
}
