/** `canopy synth`: generated tiles with labels, to try things out without Planet's data. */
import type { ArgumentsCamelCase, Argv, InferredOptionTypes } from "yargs";
import { type GlobalArguments, runCommand, withOverwrite } from "./common.js";

export const command = "synth";
export const describe = "Generate Amazon-like tiles in Planet's encoding, with a label CSV";

const OPTIONS = {
  count: { type: "number", demandOption: true, requiresArg: true, describe: "Number of tiles" },
  out: { alias: "o", type: "string", demandOption: true, requiresArg: true, describe: "Folder to make" },
  seed: {
    type: "number",
    default: 1,
    requiresArg: true,
    describe: "Names the set: tile i depends on seed and i alone",
  },
  size: { type: "number", default: 256, requiresArg: true, describe: "Pixels per side" },
  tar: { type: "boolean", default: false, describe: "Write tar archives instead of plain files" },
  "per-tar": { type: "number", default: 10_000, requiresArg: true, describe: "Tiles per archive, with --tar" },
  workers: { type: "number", requiresArg: true, describe: "Rendering threads (default: one per core)" },
  resume: { type: "boolean", default: false, describe: "Go on with an interrupted run" },
} as const;

type SynthArguments = GlobalArguments & InferredOptionTypes<typeof OPTIONS> & { overwrite: boolean };

export function builder(yargs: Argv): Argv {
  return withOverwrite(yargs.options(OPTIONS))
    .example("$0 synth --count 500 --out tiles", "500 tiles and tiles/labels.csv")
    .example("$0 train --tiles tiles --labels tiles/labels.csv --out model", "... to train on");
}

export async function handler(argv: ArgumentsCamelCase<SynthArguments>): Promise<void> {
  await runCommand(argv, async (context) => {
    const { synthesize } = await import("../operations/synth.js");
    const { count, out, seed, size, workers, resume, overwrite } = argv;
    const tilesPerTar = argv.tar ? argv.perTar : 0;
    const options = {
      count,
      out,
      seed,
      size,
      tilesPerTar,
      resume,
      overwrite,
      ...(workers !== undefined && { workers }),
    };
    const result = await synthesize(options, context);
    const rate = Math.round(result.tiles / result.seconds);
    const text = `${result.tiles} tiles in ${result.out}, labels in ${result.labels} (${rate} tiles/s)`;
    return { json: { ...result, tiles_per_s: rate }, text };
  });
}
