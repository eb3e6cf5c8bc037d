/** `quickstart`: everything canopy does, once, on tiles it makes itself: synth, train, evaluate and predict on tiles the model never saw. */
import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { checkInteger } from "../check.js";
import { InputError, restateInterrupt } from "../errors.js";
import { ensureFolder } from "../files/output.js";
import { writeWhole } from "../files/write.js";
import type { RunContext } from "../run-context.js";
import type { TrainSummary } from "../training/summary.js";
import { type EvaluateSummary, evaluate } from "./evaluate.js";
import { type PredictSummary, predict } from "./predict.js";
import { synthesize } from "./synth.js";
import { train } from "./train.js";

interface QuickstartOptions {
  /** Folder to make; one that an earlier quickstart made is replaced. */
  out: string;
  /** Tiles to train on; a third as many are made to test on. @default 900 */
  count?: number | undefined;
}

export interface QuickstartSummary {
  trained: TrainSummary;
  evaluated: EvaluateSummary;
  predicted: PredictSummary;
  seconds: number;
}

/** Marks a folder as one of a quickstart, which the next one may replace. */
const MARKER = "quickstart.json";

/** Seeds of the generated sets; the backbone in the box was trained on others (models/pretrain). */
const TRAIN_SEED = 900_001;
const TEST_SEED = 900_002;

/** @throws InputError if `out` exists and no quickstart made it, InterruptedError on abort */
export async function quickstart(options: QuickstartOptions, context: RunContext = {}): Promise<QuickstartSummary> {
  const { out, count = 900 } = options;
  checkInteger("count", count, 50);
  await prepareFolder(out, count);
  return goTheWholeWay(out, count, context).catch(
    restateInterrupt("Interrupted; another quickstart begins from the start."),
  );
}

async function goTheWholeWay(out: string, count: number, context: RunContext): Promise<QuickstartSummary> {
  const startedAt = performance.now();
  const place = (name: string) => join(out, name);
  await synthesize({ count, out: place("tiles-train"), seed: TRAIN_SEED, overwrite: true }, context);
  await synthesize(
    { count: Math.ceil(count / 3), out: place("tiles-test"), seed: TEST_SEED, overwrite: true },
    context,
  );
  const trained = await train(
    { tiles: [place("tiles-train")], labels: place("tiles-train/labels.csv"), out: place("model"), overwrite: true },
    context,
  );
  const evaluated = await evaluate(
    { tiles: [place("tiles-test")], labels: place("tiles-test/labels.csv"), model: place("model") },
    context,
  );
  const predicted = await predict(
    { inputs: [place("tiles-test")], model: place("model"), out: place("predictions.csv"), overwrite: true },
    context,
  );
  return { trained, evaluated, predicted, seconds: (performance.now() - startedAt) / 1000 };
}

async function prepareFolder(out: string, count: number): Promise<void> {
  if (existsSync(out) && !existsSync(join(out, MARKER))) {
    throw new InputError(`${out} exists and is not a quickstart's folder; name another one with \`out\`.`);
  }
  rmSync(out, { recursive: true, force: true });
  await ensureFolder(out);
  await writeWhole(join(out, MARKER), `${JSON.stringify({ count })}\n`);
}
