/** What every command shares: options, progress on stderr, one result on stdout, and errors turned into exit codes. */
import type { Argv } from "yargs";
import type { Colorspace } from "../decode/decoder.js";
import type { RasterOptions } from "../decode/stretch.js";
import { InterruptedError } from "../errors.js";
import type { DeviceChoice } from "../features/device.js";
import { onceEach, type RunContext } from "../run-context.js";
import { reportError } from "./failures.js";
import { withFlags } from "./flags.js";
import { printable, printableLine } from "./printable.js";
import { createProgressReporter } from "./progress.js";
import { toSnakeCase } from "./snake-case.js";
import { parseBands, parseStretch } from "./values.js";

/** Options every command understands: `withGlobalOptions`. */
export interface GlobalArguments {
  quiet: boolean;
  json: boolean;
}

export interface CommandResult {
  /** Printed as the one JSON object on stdout with --json; its keys, in snake_case, are documented in docs/cli.md. */
  json: object;
  /** Printed on stdout otherwise. */
  text: string;
  /** Number of rejected tiles; with --strict more than none exits with 3. */
  rejected?: number;
}

/** Runs a command's operation: progress and warnings to stderr, its result to stdout, failures to exit codes (docs/cli.md). */
export async function runCommand(
  argv: GlobalArguments & { strict?: boolean | undefined },
  operation: (context: Required<RunContext>) => Promise<CommandResult>,
): Promise<void> {
  const interrupt = onInterrupt();
  const progress = await createProgressReporter({ quiet: argv.quiet });
  try {
    const result = await operation({
      signal: interrupt.signal,
      onProgress: progress.update,
      // Steps of one command may warn of the same thing.
      onWarning: onceEach((message) => progress.print(`Warning: ${printableLine(withFlags(message))}`)),
      onNotice: (message) => {
        if (!argv.quiet) progress.print(printableLine(withFlags(message)));
      },
    });
    progress.stop();
    const text = argv.json ? JSON.stringify(toSnakeCase(result.json)) : result.text;
    process.stdout.write(printable(ensureNewline(text)));
    if (argv.strict && (result.rejected ?? 0) > 0) {
      process.exitCode = 3;
    }
  } catch (error) {
    progress.stop();
    reportError(error, "resume" in argv);
    if (error instanceof InterruptedError) process.exitCode = interrupt.exitCode();
  } finally {
    interrupt.dispose();
  }
}

/** Signals that end a command, and the exit codes that say so: SIGHUP comes when the terminal is closed. */
const SIGNALS = { SIGINT: 130, SIGTERM: 130, SIGHUP: 129 } as const;

interface Interrupt {
  signal: AbortSignal;
  exitCode(): number;
  dispose(): void;
}

/** The first signal asks the operation to stop cleanly, a second one ends the process at once. */
function onInterrupt(): Interrupt {
  const controller = new AbortController();
  let code: number = SIGNALS.SIGINT;
  const handler = (name: NodeJS.Signals) => {
    code = SIGNALS[name as keyof typeof SIGNALS];
    if (controller.signal.aborted) process.exit(code);
    process.stderr.write("\ncanopy: stopping after the work in hand (again to stop at once) ...\n");
    controller.abort();
  };
  for (const name of Object.keys(SIGNALS)) process.on(name, handler);
  return {
    signal: controller.signal,
    exitCode: () => code,
    dispose: () => {
      for (const name of Object.keys(SIGNALS)) process.off(name, handler);
    },
  };
}

function ensureNewline(text: string): string {
  return text === "" || text.endsWith("\n") ? text : `${text}\n`;
}

/** `--quiet` and `--json`, as every command understands them. */
export function withGlobalOptions<T>(yargs: Argv<T>) {
  return yargs
    .option("quiet", { type: "boolean", default: false, describe: "No progress on stderr", global: true })
    .option("json", { type: "boolean", default: false, describe: "One JSON object on stdout", global: true });
}

/** `--out` of commands that write one row for each tile. */
export const ROWS_OUT = {
  alias: "o",
  type: "string",
  demandOption: true,
  requiresArg: true,
  describe: "File to write: .csv, .jsonl or .parquet",
} as const;

/** `--device`, but for its description. */
export const DEVICE = {
  choices: ["auto", "cpu", "cuda", "webgpu"] as const satisfies readonly DeviceChoice[],
  default: "auto",
} as const;

/** `--device` and `--workers`, as every command that decodes and infers takes them. */
export function withDeviceOptions<T>(yargs: Argv<T>) {
  return yargs
    .option("device", { ...DEVICE, describe: "Where the backbone runs; auto takes the best that works" })
    .option("workers", {
      type: "number",
      describe: "Decode workers (default: one per core)",
      requiresArg: true,
    });
}

/** Options on how image files are read. */
export function withDecodeOptions<T>(yargs: Argv<T>) {
  return withReadingLimits(yargs).option("colorspace", {
    choices: COLORSPACES,
    default: "auto" as const,
    describe: "Forces how the JPEG components are read",
  });
}

/** The same for commands whose model says how, unless they are told otherwise. */
export function withModelDecodeOptions<T>(yargs: Argv<T>) {
  return withReadingLimits(yargs).option("colorspace", {
    choices: COLORSPACES,
    describe: "Forces how the JPEG components are read (default: as the model was trained)",
  });
}

const COLORSPACES = ["auto", "rgb", "ycbcr", "cmyk", "cmyk-inverted", "gray"] as const satisfies readonly Colorspace[];

/** `--bands` and `--stretch`, for commands that decide how TIFFs are read. */
export function withBands<T>(yargs: Argv<T>) {
  return yargs
    .option("bands", {
      type: "string",
      requiresArg: true,
      describe: "Bands of TIFFs that are red, green and blue, as 3,2,1, or one for gray (default: the first)",
    })
    .option("stretch", {
      type: "string",
      requiresArg: true,
      describe: "Samples of TIFFs that become 0 and 255: MIN,MAX, percentiles as p2,p98, or none (docs/colour.md)",
    });
}

/** What `withBands` declares, as the operations take it. */
export function rasterOptions({
  bands,
  stretch,
}: {
  bands?: string | undefined;
  stretch?: string | undefined;
}): RasterOptions {
  return {
    bands: bands === undefined ? undefined : parseBands(bands),
    stretch: stretch === undefined ? undefined : parseStretch(stretch),
  };
}

/** `--max-pixels` and `--on-truncated`, for commands whose model alone says how colours are read. */
export function withReadingLimits<T>(yargs: Argv<T>) {
  return yargs
    .option("max-pixels", {
      type: "number",
      default: 178_956_970,
      requiresArg: true,
      describe: "Reject tiles with more pixels than this (by default, what is no JPEG with more than 33554432)",
    })
    .option("on-truncated", {
      choices: ["reject", "accept"] as const,
      default: "reject" as const,
      describe: "What to do with JPEGs whose data ends early",
    });
}

/** `--escape-formulas`, for commands that write CSV. */
export const ESCAPE_FORMULAS = {
  type: "boolean",
  default: false,
  describe: "Of a CSV for a spreadsheet: put a ' before cells that would be formulas",
} as const;

/** `--overwrite` for commands that write outputs. */
export function withOverwrite<T>(yargs: Argv<T>) {
  return yargs.option("overwrite", { type: "boolean", default: false, describe: "Replace an existing output" });
}
