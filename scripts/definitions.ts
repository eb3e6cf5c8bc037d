/** The command line as data: what the commands' builders tell yargs. The reference in docs/cli.md and a test of every option come from it. */
import type { Argv, CommandModule, Options } from "yargs";
import { loadCommands } from "../src/cli/commands.js";
import { withGlobalOptions } from "../src/cli/common.js";

export interface OptionDefinition extends Options {
  name: string;
  /** Given by its place instead of by its name. */
  positional: boolean;
}

export interface CommandDefinition {
  /** As it is called: `models pull`. */
  name: string;
  describe: string;
  /** Those without a name first, then those that must be given. */
  options: OptionDefinition[];
  examples: { command: string; describe: string }[];
  /** `list`, `pull`, ... of `models`; a command that has some does nothing itself. */
  commands: CommandDefinition[];
}

const commands = await loadCommands();

/** In the order of `canopy --help`. */
export function defineCommands(): CommandDefinition[] {
  return commands.map((module) => define(module, ""));
}

export function defineGlobalOptions(): OptionDefinition[] {
  return record(withGlobalOptions).options;
}

function define(module: CommandModule, parent: string): CommandDefinition {
  const [word] = String(module.command).split(" ");
  const name = `${parent}${word}`;
  const { modules, ...found } = record(module.builder as (yargs: Argv) => unknown);
  const nested = modules.map((each) => define(each, `${name} `));
  return { name, describe: String(module.describe), ...found, commands: nested };
}

/** Runs a builder on a yargs that only notes what it is told. */
function record(build: (yargs: Argv) => unknown) {
  const found: OptionDefinition[] = [];
  const examples: CommandDefinition["examples"] = [];
  const modules: CommandModule[] = [];
  const notes: Record<string, (...args: never[]) => unknown> = {
    positional: (name: string, definition: Options) => found.push({ name, positional: true, ...definition }),
    option: (name: string, definition: Options) => found.push({ name, positional: false, ...definition }),
    options: (all: Record<string, Options>) => {
      for (const [name, definition] of Object.entries(all)) found.push({ name, positional: false, ...definition });
    },
    example: (command: string, describe: string) => examples.push({ command, describe }),
    command: (each: CommandModule[]) => modules.push(...each),
    demandCommand: () => {},
    config: () => {},
    middleware: () => {},
  };
  const yargs: Argv = new Proxy({} as Argv, {
    get: (_, method) => {
      const note = notes[String(method)];
      if (note === undefined)
        throw new Error(`A builder calls yargs.${String(method)}, which scripts/definitions.ts does not know.`);
      return (...args: never[]) => {
        note(...args);
        return yargs;
      };
    },
  });
  build(yargs);
  return { options: found.sort((a, b) => rankOf(a) - rankOf(b)), examples, modules };
}

function rankOf({ positional, demandOption }: OptionDefinition): number {
  return positional ? 0 : demandOption ? 1 : 2;
}
