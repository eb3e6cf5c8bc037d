/** The commands. Only the module of the one that was called is loaded: those of all take longer than one tile. */
import type { CommandModule } from "yargs";

/** What every module of this folder exports. Each has its own argument type, which yargs makes sure of when it parses. */
interface Command {
  command: string;
  describe: string;
  builder: CommandModule["builder"];
  handler: (argv: never) => void | Promise<void>;
}

/** By their first word, in the order of `canopy --help`: the main line first. */
const COMMANDS = new Map<string, () => Promise<Command>>(
  Object.entries({
    train: () => import("./train.js"),
    predict: () => import("./predict.js"),
    embed: () => import("./embed.js"),
    evaluate: () => import("./evaluate.js"),
    suggest: () => import("./suggest.js"),
    labels: () => import("./labels.js"),
    inspect: () => import("./inspect.js"),
    fix: () => import("./fix.js"),
    synth: () => import("./synth.js"),
    models: () => import("./models.js"),
    report: () => import("./report.js"),
    quantize: () => import("./quantize.js"),
    export: () => import("./export.js"),
    index: () => import("./index-archives.js"),
    merge: () => import("./merge.js"),
    enqueue: () => import("./enqueue.js"),
    work: () => import("./work.js"),
    queue: () => import("./queue.js"),
    bench: () => import("./bench.js"),
    doctor: () => import("./doctor.js"),
    quickstart: () => import("./quickstart.js"),
    completion: () => import("./completion.js"),
  }),
);

/** The command that `words` call; all of them if it is none, or is not the first word. */
export async function loadCommands([word = ""]: readonly string[] = []): Promise<CommandModule[]> {
  const called = COMMANDS.get(word);
  const loaded = await Promise.all((called ? [called] : [...COMMANDS.values()]).map((load) => load()));
  return loaded as unknown as CommandModule[];
}
