/** `canopy completion`: a script for the user's shell, which asks canopy what may follow the words so far. */
import { basename } from "node:path";
import type { Argv } from "yargs";

export const command = "completion";
export const describe = "Print a script that completes canopy's words in bash, zsh or fish";

export function builder(yargs: Argv): Argv {
  return yargs.example("$0 completion >> ~/.bashrc", "For bash; $SHELL decides");
}

/** The script calls canopy as this process was called: of a project's own, by its path. */
export async function handler(): Promise<void> {
  const { createParser } = await import("./program.js");
  const program = process.argv[1] ?? "";
  const isPlain = basename(program) === "canopy" && !/\s/.test(program);
  const parser = (await createParser([command])) as unknown as WithScript;
  parser.showCompletionScript(isPlain ? program : "canopy", command);
}

/** What yargs has and its types lack. */
interface WithScript {
  showCompletionScript(program: string, command: string): void;
}

/** What yargs would offer, as far as it can stand there. Where nothing is left, the shell offers files. */
export function complete(
  current: string,
  _argv: unknown,
  offer: (done: (error: Error | null, words: string[] | undefined) => void) => void,
  done: (words: string[]) => void,
): void {
  offer((_error, words = []) => done(words.filter((word) => isOption(word) === current.startsWith("-"))));
}

/** One-letter names are no help to who wants to be spared typing. */
function isOption(word: string): boolean | undefined {
  if (/^--?[a-z](:|\t|$)/.test(word)) return undefined;
  return word.startsWith("-");
}
