/**
 * Loader hooks under which operations and benchmarks are not what they are: a function called by the command line notes its arguments
 * instead. See option-recorder.ts.
 */
import { readFileSync } from "node:fs";
import type { LoadHook } from "node:module";
import { fileURLToPath } from "node:url";

const STUBBED = /\/dist\/src\/(operations|bench)\/[^/]+\.js$/;
const FUNCTION = /^export (?:async )?function (\w+)/gm;

export const load: LoadHook = async (url, context, nextLoad) => {
  if (!STUBBED.test(url)) return nextLoad(url, context);
  const names = [...readFileSync(fileURLToPath(url), "utf8").matchAll(FUNCTION)].map((match) => match[1]);
  const source = names.map((name) => `export const ${name} = (...given) => globalThis.noteCall("${name}", given);`);
  return { format: "module", source: source.join("\n"), shortCircuit: true };
};
