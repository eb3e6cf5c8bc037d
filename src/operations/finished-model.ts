/** A training that is asked to go on and has ended already: what it returned is read from its model's folder. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import * as v from "valibot";
import { LABEL_ERRORS_FILE } from "../curation/label-errors.js";
import { InputError } from "../errors.js";
import { readJson } from "../files/read-json.js";
import { writeWhole } from "../files/write.js";
import { CONFIG_FILE, differingOptions, readConfig } from "../training/config.js";
import { hashLabels, type LabelUse, readDatasetLabels } from "../training/dataset-labels.js";
import type { TrainOptions } from "../training/settings.js";
import type { TrainSummary } from "../training/summary.js";

/** In a model's folder. */
const SUMMARY_FILE = "summary.json";

/** What the command line prints of it; the other keys are as `summarize` made them. */
const SUMMARY = v.looseObject({
  tiles: v.number(),
  rejected: v.number(),
  tags: v.array(v.string()),
  f2: v.number(),
  f2AtHalf: v.number(),
  f2Interval: v.tuple([v.number(), v.number()]),
  labelErrors: v.object({ count: v.number(), expected: v.number() }),
  /** Of the labels it was trained on; not part of what `train` returns. Absent in models of earlier versions. */
  labelsSha256: v.exactOptional(v.string()),
});

export async function writeSummary(folder: string, summary: TrainSummary, labelsSha256: string): Promise<void> {
  await writeWhole(join(folder, SUMMARY_FILE), `${JSON.stringify({ ...summary, labelsSha256 })}\n`);
}

/**
 * The summary of the model in `out`, or undefined if there is none.
 * @throws InputError if it was trained with other options, or if its labels have changed since
 */
export async function readFinished(
  out: string,
  options: TrainOptions,
  use: LabelUse,
): Promise<TrainSummary | undefined> {
  if (!existsSync(join(out, SUMMARY_FILE))) return undefined;
  const others = differingOptions(readConfig(join(out, CONFIG_FILE)), options);
  if (others.length > 0) {
    const names = others.map((name) => `\`${name}\``).join(", ");
    throw new InputError(
      `${out} is a finished model of other options (${names}); \`overwrite\` replaces it, or name another folder.`,
    );
  }
  const summary = await readJson(join(out, SUMMARY_FILE), SUMMARY);
  if (summary === undefined) return undefined;
  const { labelsSha256, ...returned } = summary;
  if (labelsSha256 !== undefined && labelsSha256 !== hashLabels(await readDatasetLabels(use, {}))) {
    throw new InputError(
      `${options.labels} has changed since ${out} was trained on it; \`overwrite\` trains it again, or name another folder.`,
    );
  }
  const places = { model: out, report: join(out, "report.html") };
  const labelErrors = { ...returned.labelErrors, file: join(out, LABEL_ERRORS_FILE) };
  return { ...(returned as unknown as TrainSummary), ...places, labelErrors };
}
