#!/usr/bin/env node
/** The command line: yargs set up once, one module per command, wrong usage answered with the nearest valid option. */
import { readFileSync } from "node:fs";
import { closest, distance } from "fastest-levenshtein";
import yargs from "yargs";
import { hideBin } from "yargs/helpers";
import { commands } from "./commands.js";
import { reportError } from "./common.js";

const PACKAGE = new URL("../../../package.json", import.meta.url);

const parser = yargs(hideBin(process.argv))
  .scriptName("canopy")
  .usage("$0 <command>\n\nTags satellite tiles: trains and runs multi-label classifiers, fast.")
  .version(JSON.parse(readFileSync(PACKAGE, "utf8")).version)
  .command(commands)
  .option("quiet", { type: "boolean", default: false, describe: "No progress on stderr", global: true })
  .option("json", { type: "boolean", default: false, describe: "One JSON object on stdout", global: true })
  .parserConfiguration({ "duplicate-arguments-array": false, "boolean-negation": true })
  .demandCommand(1, "Name a command.")
  .recommendCommands()
  .strict()
  .wrap(Math.min(110, process.stdout.columns ?? 100))
  .fail((message, error, instance) => {
    if (error) {
      throw error;
    }
    failUsage(message, (instance as unknown as { getOptions(): KnownOptions }).getOptions());
  });

try {
  await parser.parseAsync();
} catch (error) {
  reportError(error);
}

interface KnownOptions {
  key?: Record<string, unknown>;
  alias?: Record<string, string[]>;
}

function failUsage(message: string, options: KnownOptions): never {
  process.stderr.write(
    `canopy: ${withSuggestion(message, options)}\nSee \`canopy --help\` or \`canopy <command> --help\`.\n`,
  );
  process.exit(2);
}

/** yargs names the unknown option; we add the known one that is nearest to it. */
function withSuggestion(message: string, options: KnownOptions): string {
  const unknown = /^Unknown arguments?: ([^,]+)/.exec(message)?.[1]?.trim();
  const known = Object.keys(options.key ?? {}).filter((name) => name.length > 1);
  if (unknown === undefined || known.length === 0) {
    return message;
  }
  const nearest = closest(unknown, known);
  return distance(unknown, nearest) <= Math.max(2, unknown.length / 2)
    ? `${message}. Did you mean --${nearest}?`
    : message;
}
