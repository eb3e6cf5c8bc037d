/** `--config` and `--print-config` of `train`. */
import type { Argv, MiddlewareFunction } from "yargs";
import { mergeOptions, readConfig } from "../training/config.js";
import type { TrainOptions } from "../training/settings.js";

/** Options that must be given, here or in the file. */
const REQUIRED = ["tiles", "labels", "out"] as const;

/** The options that have their defaults because nobody gave them, under a key of their own. */
const DEFAULTED = "defaulted";

export function withConfig<T>(yargs: Argv<T>) {
  return yargs
    .option("config", {
      type: "string",
      requiresArg: true,
      describe: "YAML or JSON file of options, as --print-config prints them; options given here go before",
    })
    .config("config", (path: string) => {
      const options = readConfig(path);
      return Object.fromEntries(REQUIRED.flatMap((name) => (name in options ? [[name, options[name]]] : [])));
    })
    .option("print-config", {
      type: "boolean",
      default: false,
      describe: "Print the whole configuration, and train nothing",
    })
    .middleware(noteDefaulted);
}

/** yargs passes its instance, unlike its types. */
const noteDefaulted = ((argv: Record<string, unknown>, instance: { parsed: { defaulted?: Record<string, true> } }) => {
  argv[DEFAULTED] = Object.keys(instance.parsed.defaulted ?? {});
}) as unknown as MiddlewareFunction<object>;

/** The options of the file that `argv` names, if any, under those that were given: `toOptions` gets the file's, too. */
export function withConfigFile<A extends { config?: string | undefined }>(
  argv: A,
  toOptions: (argv: A, base: Partial<TrainOptions>) => TrainOptions,
): TrainOptions {
  if (argv.config === undefined) return toOptions(argv, {});
  const names = (argv as Record<string, unknown>)[DEFAULTED] as string[];
  const defaulted = new Set(names.flatMap((name) => [name, toCamelCase(name)]));
  const given = Object.fromEntries(Object.entries(argv).filter(([name]) => !defaulted.has(name))) as A;
  const base = readConfig(argv.config);
  return mergeOptions(base, toOptions(given, base)) as unknown as TrainOptions;
}

function toCamelCase(name: string): string {
  return name.replaceAll(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
