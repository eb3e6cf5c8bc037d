/**
 * What each command hands to its operation, run in a process of its own. Comes in on stdin: JSON, a list of command lines. Goes out on
 * stdout: JSON, for each the calls of operations, up to the first that a command awaits a result of.
 */
import { register } from "node:module";
import { text } from "node:stream/consumers";

register("./stub-hooks.js", import.meta.url);
const { createParser } = await import("../../src/cli/program.js");

let calls: [name: string, given: unknown[]][] = [];
Object.assign(globalThis, {
  noteCall(name: string, given: unknown[]) {
    calls.push([name, given]);
    throw new Error("recorded");
  },
});

const results: unknown[] = [];
for (const words of JSON.parse(await text(process.stdin)) as string[][]) {
  calls = [];
  await (await createParser(words)).parseAsync();
  results.push(JSON.parse(JSON.stringify(calls)));
}
process.stdout.write(JSON.stringify(results));
process.exitCode = 0;
