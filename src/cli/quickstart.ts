/** `canopy quickstart`: all steps once, on generated tiles. */
import type { ArgumentsCamelCase, Argv } from "yargs";
import type { QuickstartSummary } from "../operations/quickstart.js";
import { type GlobalArguments, runCommand } from "./common.js";

export const command = "quickstart";
export const describe = "Make tiles, train, evaluate and predict: the whole way once, in a minute or two";

export function builder(yargs: Argv) {
  return yargs
    .option("out", { alias: "o", type: "string", default: "quickstart", requiresArg: true, describe: "Folder to make" })
    .option("count", {
      type: "number",
      default: 900,
      requiresArg: true,
      describe: "Tiles to train on",
    })
    .example("$0 quickstart", "Everything under ./quickstart");
}

type Arguments = Awaited<ReturnType<typeof builder>["argv"]> & GlobalArguments;

export async function handler(argv: ArgumentsCamelCase<Arguments>): Promise<void> {
  await runCommand(argv, async (context) => {
    const { quickstart } = await import("../operations/quickstart.js");
    const summary = await quickstart({ out: argv.out, count: argv.count }, context);
    return { json: summary, text: describeSummary(summary) };
  });
}

function describeSummary({ trained, evaluated, predicted, seconds }: QuickstartSummary): string {
  const untrained =
    trained.backbone === "untrained"
      ? "\nThe backbone is untrained (no trained one is in the box): expect far better with one.\n"
      : "";
  return `${untrained}
F2         ${evaluated.f2.toFixed(3)} on ${evaluated.tiles} tiles the model never saw (at 0.5: ${evaluated.f2AtHalf.toFixed(3)})
predicted  ${predicted.predicted} tiles at ${predicted.tilesPerS?.toFixed(0)} tiles/s on ${predicted.provider}
model      ${trained.model}
report     ${trained.report}
tags       ${predicted.out}
${seconds.toFixed(0)} s in all
`;
}
