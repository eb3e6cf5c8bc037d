/** `canopy evaluate`: the scores of a model on labelled tiles, or of several beside each other. */
import type { ArgumentsCamelCase, Argv } from "yargs";
import { OptionError } from "../errors.js";
import type { ComparedModel, CompareSummary } from "../operations/compare.js";
import type { EvaluateSummary } from "../operations/evaluate.js";
import type { RunContext } from "../run-context.js";
import { type GlobalArguments, runCommand, withDeviceOptions, withModelDecodeOptions } from "./common.js";
import { LABELS, toLabelOptions, withSplit } from "./label-options.js";
import { formatTable } from "./table.js";

export const command = "evaluate";
export const describe = "Score a model on labelled tiles, or compare several: F2, mAP and every tag by itself";

const SPLIT = "Column of train, val and test: score the tiles for test, or for val if there are none for test";

export function builder(yargs: Argv) {
  return withSplit(withModelDecodeOptions(withDeviceOptions(yargs)), SPLIT)
    .option("tiles", {
      type: "string",
      array: true,
      demandOption: true,
      describe: "INPUT: folder, files, archives, @list",
    })
    .option("labels", { type: "string", demandOption: true, requiresArg: true, describe: LABELS })
    .option("model", {
      alias: "m",
      type: "string",
      array: true,
      demandOption: true,
      requiresArg: true,
      describe: "Model folder; given more than once, each is compared with the first on the same tiles and tags",
    })
    .option("backbone", { type: "string", requiresArg: true, describe: "Where the model's backbone FILE.onnx is now" })
    .option("threshold", {
      type: "number",
      requiresArg: true,
      describe: "One threshold for all tags, instead of the fitted",
    })
    .option("strict", { type: "boolean", default: false, describe: "Exit with 3 if a tile was rejected" })
    .example("$0 evaluate --tiles test-jpg --labels test.csv --model model --json", "Scores as JSON")
    .example("$0 evaluate --tiles test-jpg --labels test.csv --model model --model tuned", "Two models compared");
}

type Arguments = Awaited<ReturnType<typeof builder>["argv"]> & GlobalArguments;

export async function handler(argv: ArgumentsCamelCase<Arguments>): Promise<void> {
  await runCommand(argv, (context) => (argv.model.length > 1 ? compareModels(argv, context) : scoreOne(argv, context)));
}

async function scoreOne(argv: ArgumentsCamelCase<Arguments>, context: RunContext) {
  const { evaluate } = await import("../operations/evaluate.js");
  const [model] = argv.model;
  const summary = await evaluate({ ...toOptions(argv), model, backbone: argv.backbone }, context);
  return { json: summary, text: describeSummary(summary), rejected: summary.rejected };
}

async function compareModels(argv: ArgumentsCamelCase<Arguments>, context: RunContext) {
  if (argv.backbone !== undefined) throw new OptionError("--backbone is for one --model: give one, or none.");
  const { compare } = await import("../operations/compare.js");
  const summary = await compare({ ...toOptions(argv), models: argv.model }, context);
  return { json: summary, text: describeComparison(summary), rejected: summary.rejected };
}

function toOptions(argv: ArgumentsCamelCase<Arguments>) {
  const { tiles, labels, threshold, device, workers, colorspace, maxPixels, onTruncated } = argv;
  const reading = { device, workers, colorspace, maxPixels, onTruncated };
  return { tiles, labels, ...toLabelOptions(argv), threshold, ...reading };
}

function describeSummary(summary: EvaluateSummary): string {
  const rows = summary.perTag.map((tag) => [
    tag.reliable ? tag.tag : `${tag.tag} *`,
    String(tag.support),
    ...[tag.precision, tag.recall, tag.f2, tag.averagePrecision].map(score),
    tag.threshold.toFixed(2),
  ]);
  const table = formatTable(["tag", "support", "precision", "recall", "F2", "AP", "threshold"], rows);
  const unreliable = summary.perTag.some((tag) => !tag.reliable)
    ? "\n* too few tiles have the tag to tell (fewer than 10)"
    : "";
  const interval = summary.f2Interval.map(score).join(" to ");
  const rejected = summary.rejected > 0 ? `, ${summary.rejected} rejected` : "";
  return (
    `${table}${unreliable}\n\nF2 ${score(summary.f2)} (95%: ${interval})   F2 at 0.5 ${score(summary.f2AtHalf)}   mAP ${score(summary.map)}   ` +
    `micro F1 ${score(summary.microF1)}   macro F1 ${score(summary.macroF1)}   binary accuracy ${score(summary.binaryAccuracy)}\n` +
    `${summary.tiles} tiles${rejected}`
  );
}

function describeComparison({ models, tiles, rejected }: CompareSummary): string {
  const scores = models.map((each) => [
    each.model,
    score(each.f2),
    each.f2Interval.map(score).join(" to "),
    describeDifference(each),
    ...[each.map, each.microF1, each.macroF1].map(score),
  ]);
  const header = ["model", "F2", "95%", "more than the first (95%)", "mAP", "micro F1", "macro F1"];
  const perTag = models[0].perTag.map(({ tag, support }, column) => [
    tag,
    String(support),
    ...models.map(({ perTag }) => score(perTag[column].f2)),
  ]);
  const tags = formatTable(["tag", "support", ...models.map(({ model }) => `F2 ${model}`)], perTag);
  const apart = models.slice(1).map(describeVerdict);
  return [
    formatTable(header, scores),
    tags,
    [...apart, `${tiles} tiles${rejected > 0 ? `, ${rejected} rejected` : ""}`].join("\n"),
  ].join("\n\n");
}

function describeDifference({ f2Difference, f2DifferenceInterval }: ComparedModel): string {
  if (f2Difference === null || f2DifferenceInterval === null) return "";
  return `${signed(f2Difference)} (${f2DifferenceInterval.map(signed).join(" to ")})`;
}

function describeVerdict({ model, f2DifferenceInterval }: ComparedModel): string {
  const [low, high] = f2DifferenceInterval as [number, number];
  if (low > 0) return `${model} is better than the first.`;
  if (high < 0) return `${model} is worse than the first.`;
  return `${model} and the first may be equally good: these tiles do not tell.`;
}

function signed(value: number): string {
  return `${value < 0 ? "" : "+"}${value.toFixed(3)}`;
}

function score(value: number | null): string {
  return value === null ? "-" : value.toFixed(3);
}
