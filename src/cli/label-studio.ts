/** Options and messages of `suggest` and `labels export` about Label Studio. */
import type { Argv } from "yargs";

/** Where Label Studio finds pictures. */
export function withImageOptions<T>(yargs: Argv<T>) {
  return yargs
    .option("image-url", {
      type: "string",
      requiresArg: true,
      describe: "Label Studio: what stands before a picture's path (/data/local-files/?d=)",
    })
    .option("image-root", {
      type: "string",
      requiresArg: true,
      describe: "Label Studio: folder the paths are relative to (/)",
    });
}

/** What to paste into Label Studio, if anything. */
export function describeConfig(config: string | null): string {
  return config === null
    ? ""
    : `\n\nLabelling interface for the project (Settings > Labeling Interface > Code):\n${config}`;
}
