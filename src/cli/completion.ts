/** `canopy completion`: a script for the user's shell, which asks canopy what may follow the words so far. */
import { basename } from "node:path";
import yargs, { type Argv } from "yargs";

export const command = "completion";
export const describe = "Print a script that completes canopy's words in bash, zsh or fish";

export function builder(parser: Argv): Argv {
  return parser.example("$0 completion >> ~/.bashrc", "For bash; $SHELL decides");
}

/** The script calls canopy as this process was called: of a project's own, by its path. */
export function handler(): void {
  const program = process.argv[1] ?? "";
  const isPlain = basename(program) === "canopy" && !/\s/.test(program);
  (yargs() as unknown as WithScript).showCompletionScript(isPlain ? program : "canopy", command);
}

/** What yargs has and its types lack. */
interface WithScript {
  showCompletionScript(program: string, command: string): void;
}
