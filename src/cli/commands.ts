/** The list of commands. Their modules are light; each handler imports its operation when it runs, so that --help starts fast. */
import type { CommandModule } from "yargs";
import * as synth from "./synth.js";

// biome-ignore lint/suspicious/noExplicitAny: each module has its own argument type, and yargs takes a list of any
export const commands: CommandModule<any, any>[] = [synth];
