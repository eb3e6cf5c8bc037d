/** The list of commands. Their modules are light; each handler imports its operation when it runs, so that --help starts fast. */
import type { CommandModule } from "yargs";
import * as bench from "./bench.js";
import * as doctor from "./doctor.js";
import * as embed from "./embed.js";
import * as enqueue from "./enqueue.js";
import * as evaluate from "./evaluate.js";
import * as exportCommand from "./export.js";
import * as fix from "./fix.js";
import * as inspect from "./inspect.js";
import * as labels from "./labels.js";
import * as merge from "./merge.js";
import * as models from "./models.js";
import * as predict from "./predict.js";
import * as quantize from "./quantize.js";
import * as queue from "./queue.js";
import * as quickstart from "./quickstart.js";
import * as report from "./report.js";
import * as suggest from "./suggest.js";
import * as synth from "./synth.js";
import * as train from "./train.js";
import * as work from "./work.js";

/** What every module of this folder exports. Each has its own argument type, which yargs makes sure of when it parses. */
interface Command {
  command: string;
  describe: string;
  builder: CommandModule["builder"];
  handler: (argv: never) => void | Promise<void>;
}

/** In the order of `canopy --help`: the main line first. */
export const commands = [
  train,
  predict,
  embed,
  evaluate,
  suggest,
  labels,
  inspect,
  fix,
  synth,
  models,
  report,
  quantize,
  exportCommand,
  merge,
  enqueue,
  work,
  queue,
  bench,
  doctor,
  quickstart,
] satisfies Command[] as unknown as CommandModule[];
