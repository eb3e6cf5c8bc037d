/** The command line: yargs set up once, one module per command, wrong usage answered with the nearest valid option. */
import { readFileSync } from "node:fs";
import { closest, distance } from "fastest-levenshtein";
import yargs, { type Argv } from "yargs";
import { tellUnknownSimd } from "../addon.js";
import { OptionError } from "../errors.js";
import { loadCommands } from "./commands.js";
import { withGlobalOptions } from "./common.js";
import { complete } from "./complete.js";
import { printFailure, reportError } from "./failures.js";
import { useFlags } from "./flags.js";
import { printable } from "./printable.js";

const PACKAGE = new URL("../../../package.json", import.meta.url);

/** The name of standard input where a lone dash is not possible. */
const STDIN = "stdin:";

const NO_COMMAND = "Name a command.";

/** Runs `canopy ...words`; failures end up on stderr and in the exit code. */
export async function runCommandLine(words: string[]): Promise<void> {
  // Some commands decode in worker threads alone, or not at all.
  tellUnknownSimd((message) => process.stderr.write(printable(`Warning: ${message}\n`)));
  try {
    const parser = await createParser(words);
    if (words.length > 0) {
      await parser.parseAsync();
      return;
    }
    parser.showHelp("error");
    process.exitCode = 2;
  } catch (error) {
    reportError(error);
  }
}

/** The parser of `words`; parsing runs the command. */
export async function createParser(words: string[]): Promise<Argv> {
  const commands = await loadCommands(words);
  const parser =
    // yargs drops an argument that is a lone dash; the tile sources know standard input by this name, too.
    withGlobalOptions(yargs(words.map((word) => (word === "-" ? STDIN : word))))
      .scriptName("canopy")
      .usage("$0 <command>\n\nTags satellite tiles: trains and runs multi-label classifiers, fast.")
      .alias("help", "h")
      .version(JSON.parse(readFileSync(PACKAGE, "utf8")).version)
      .command(commands)
      .parserConfiguration({ "boolean-negation": true })
      .check((_argv, options) => refuseNegated(options, words), true)
      .check(refuseRepeated, true)
      .middleware(restoreDash, true)
      .check(refuseDashAsOutput, true)
      .check((argv, options) => refuseNoNumber(argv, options, words), true)
      .completion("yargs-completion", false, complete)
      .demandCommand(1, NO_COMMAND)
      .recommendCommands()
      .strict()
      .wrap(Math.min(110, process.stdout.columns ?? 100))
      .fail((message, error, instance) => {
        // yargs' own complaints come with an error, too, if an option lacks its value.
        if (error && error.name !== "YError") {
          throw error;
        }
        failUsage(message, Object.keys((instance as unknown as UsageInstance).getDescriptions()));
      });
  // yargs writes the help of each command that it runs, whoever asked for it: a tenth of the time that one tile takes.
  (parser as unknown as Internals).getInternalMethods().getUsageInstance().cacheHelpMessage = () => {};
  return parser;
}

/** Also where the command's options become known. yargs makes a list of an option that is given twice. (Switching that off would leave only the last of several positionals.) */
function refuseRepeated(argv: Record<string, unknown>, options: unknown): true {
  const { array, key } = options as { array: string[]; key: Record<string, unknown> };
  useFlags(Object.keys(key));
  // Of -o and --out the longer.
  const repeated = Object.keys(argv).find(
    (name) => name.length > 1 && Array.isArray(argv[name]) && !array.includes(name),
  );
  if (repeated !== undefined) {
    throw new OptionError(`--${repeated} was given more than once.`);
  }
  return true;
}

/** Only INPUT may be standard input; elsewhere a lone dash is a dash, as for `--tag-separator`. */
function restoreDash(argv: Record<string, unknown>): void {
  for (const [name, value] of Object.entries(argv)) if (value === STDIN) argv[name] = "-";
}

/** Outputs are renamed into place when whole, so standard output is none. */
function refuseDashAsOutput({ out }: Record<string, unknown>): true {
  if (out === "-") throw new OptionError("--out cannot be standard output (-): name a file or folder.");
  return true;
}

/** yargs makes `--no-epochs` an --epochs of 0, and other options lists of false. */
function refuseNegated(options: unknown, words: string[]): true {
  const { boolean, key } = options as { boolean: string[]; key: Record<string, unknown> };
  const named = words.filter((word) => word.startsWith("--no-")).map((word) => word.slice(5));
  const negated = named.find((name) => Object.hasOwn(key, name) && !boolean.includes(name));
  if (negated === undefined) return true;
  throw new OptionError(`There is no --no-${negated}: leave --${negated} out, or give it a value.`);
}

/** yargs makes NaN of what is no number; `words` have what was written. */
function refuseNoNumber(argv: Record<string, unknown>, options: unknown, words: string[]): true {
  const { number } = options as { number: string[] };
  const name = number.find((each) => Number.isNaN(argv[each]));
  if (name === undefined) return true;
  const at = words.findIndex((word) => word === `--${name}` || word.startsWith(`--${name}=`));
  const given = words[at]?.includes("=") ? words[at].slice(name.length + 3) : words[at + 1];
  throw new OptionError(`Expected --${name} to be a number, got "${given}".`);
}

/** What yargs really passes to fail(), unlike its types: the usage instance of the current command. */
interface UsageInstance {
  getDescriptions(): Record<string, string>;
  cacheHelpMessage(): void;
}

interface Internals {
  getInternalMethods(): { getUsageInstance(): UsageInstance };
}

function failUsage(message: string, options: string[]): never {
  const line = withoutCamelCase(message.replaceAll(/\s*\n\s*/g, " ").trim());
  const shown = printable(`${line}${suggestion(line, options)}`);
  process.stderr.write(`canopy: ${shown}\nSee \`canopy --help\` or \`canopy <command> --help\`.\n`);
  printFailure("USAGE", shown, null);
  process.exit(2);
}

/** Of an unknown --part-size yargs complains as part-size and as partSize. */
function withoutCamelCase(message: string): string {
  const [, names] = /^Unknown arguments: (.*)$/.exec(message) ?? [];
  if (names === undefined) return message;
  const all = names.split(", ");
  const camelled = all
    .filter((name) => name.includes("-"))
    .map((name) => name.replaceAll(/-(.)/g, (_, x) => x.toUpperCase()));
  const left = all.filter((name) => !camelled.includes(name));
  return `Unknown argument${left.length === 1 ? "" : "s"}: ${left.join(", ")}`;
}

/** yargs names the unknown option or the invalid choice; this names the valid one nearest to it. */
function suggestion(message: string, options: string[]): string {
  const unknown = /^Unknown arguments?: ([^,]+)/.exec(message)?.[1]?.trim() ?? misspelt(message, options);
  if (unknown !== undefined) {
    return didYouMean(unknown, options, "--");
  }
  const [, given, choices] = /Given: "([^"]*)", Choices: (.*)$/.exec(message) ?? [];
  return given === undefined ? "" : didYouMean(given, choices?.match(/[^",\s]+/g) ?? [], "");
}

/** yargs complains of a missing option before it looks at the one that was meant for it. */
function misspelt(message: string, options: string[]): string | undefined {
  if (!message.startsWith("Missing required argument") && message !== NO_COMMAND) {
    return undefined;
  }
  const given = process.argv.filter((word) => word.startsWith("--")).map((word) => word.slice(2).split("=")[0]);
  return given.find((name) => !options.includes(name));
}

function didYouMean(word: string, known: string[], prefix: string): string {
  if (known.length === 0) {
    return "";
  }
  const nearest = closest(word, known);
  return distance(word, nearest) <= Math.max(2, word.length / 2) ? ` - did you mean ${prefix}${nearest}?` : "";
}
