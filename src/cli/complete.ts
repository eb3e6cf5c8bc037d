/** What may follow the words of a command line, for the script of `canopy completion`. */

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
