/**
 * Entry of a process that predicts with the toy model, to be killed by tests: options as JSON in the first argument, and in the second
 * when it is to send itself SIGINT.
 */
import { CanopyError, InterruptedError } from "../../src/errors.js";
import { predictWith } from "../../src/operations/predict.js";
import type { ProgressState } from "../../src/run-context.js";
import { toyModel } from "./toy.js";

const [options, interrupt] = process.argv.slice(2).map((text) => JSON.parse(text));
const controller = new AbortController();
process.on("SIGINT", () => controller.abort());
try {
  const context = {
    signal: controller.signal,
    onWarning: (message: string) => console.error(message),
    onProgress: ({ stage, done }: ProgressState) => {
      console.error(`${stage} ${done}`);
      if (stage === interrupt?.stage && done >= interrupt.tiles) process.kill(process.pid, "SIGINT");
    },
  };
  const summary = await predictWith(toyModel(), options, context);
  console.log(JSON.stringify({ ...summary, maxRssKib: process.resourceUsage().maxRSS }));
} catch (error) {
  console.error(error instanceof CanopyError ? `${error.code}: ${error.message}` : error);
  process.exitCode = error instanceof InterruptedError ? 130 : 1;
}
