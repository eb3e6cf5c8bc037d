/** The list of commands. Their modules are light; each handler imports its operation when it runs, so that --help starts fast. */
import type { CommandModule } from "yargs";
import * as exportCommand from "./export.js";
import * as fix from "./fix.js";
import * as inspect from "./inspect.js";
import * as merge from "./merge.js";
import * as models from "./models.js";
import * as predict from "./predict.js";
import * as synth from "./synth.js";

/** What every module of this folder exports. Each has its own argument type, which yargs makes sure of when it parses. */
interface Command {
  command: string;
  describe: string;
  builder: CommandModule["builder"];
  handler: (argv: never) => void | Promise<void>;
}

export const commands = [
  predict,
  merge,
  models,
  exportCommand,
  inspect,
  fix,
  synth,
] satisfies Command[] as unknown as CommandModule[];
