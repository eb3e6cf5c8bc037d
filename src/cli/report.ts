/** `canopy report MODEL_DIR`. */
import type { ArgumentsCamelCase, Argv } from "yargs";
import { type GlobalArguments, runCommand } from "./common.js";

interface ReportArguments extends GlobalArguments {
  model: string;
}

export const command = "report <model>";

export const describe = "Write the HTML report of a trained model again";

export function builder(yargs: Argv) {
  return yargs
    .positional("model", { type: "string", demandOption: true, describe: "Folder that canopy train --out wrote" })
    .example("$0 report models/amazon", "Writes models/amazon/report.html");
}

export async function handler(argv: ArgumentsCamelCase<ReportArguments>): Promise<void> {
  await runCommand(argv, async () => {
    const { report } = await import("../operations/report.js");
    const written = await report({ model: argv.model });
    return { json: { report: written.path, bytes: written.byteLength }, text: written.path };
  });
}
