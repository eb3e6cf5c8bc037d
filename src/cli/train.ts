/** `canopy train`: labelled tiles to a model folder. */
import type { ArgumentsCamelCase, Argv } from "yargs";
import { OptionError } from "../errors.js";
import { counted, expectedErrors } from "../report/format.js";
import type { TrainOptions } from "../training/settings.js";
import type { TrainSummary } from "../training/summary.js";
import type { TagTarget } from "../training/thresholds.js";
import {
  ESCAPE_FORMULAS,
  type GlobalArguments,
  rasterOptions,
  runCommand,
  withBands,
  withDecodeOptions,
  withDeviceOptions,
  withOverwrite,
} from "./common.js";
import { LABELS, toLabelOptions, withSplit } from "./label-options.js";
import { withConfig, withConfigFile } from "./train-config.js";
import { parseBytes } from "./values.js";

export const command = "train";
export const describe = "Train a model: features once, then a head on top";

const SPLIT =
  "Column of train, val and test: train on the first, hold out the second instead of --val, leave out the third";

export function builder(yargs: Argv) {
  return withSplit(withConfig(withOverwrite(withBands(withDecodeOptions(withDeviceOptions(yargs))))), SPLIT)
    .option("tiles", {
      type: "string",
      array: true,
      demandOption: true,
      describe: "INPUT: folder, files, archives, @list",
    })
    .option("labels", { type: "string", demandOption: true, requiresArg: true, describe: LABELS })
    .option("out", {
      alias: "o",
      type: "string",
      demandOption: true,
      requiresArg: true,
      describe: "Model folder to write",
    })
    .option("backbone", { type: "string", requiresArg: true, describe: "Name (canopy models list) or FILE.onnx" })
    .option("store-backbone", {
      type: "boolean",
      default: true,
      describe: "Copy the backbone into the model; --no-store-backbone names it by its hash",
    })
    .option("normalisation", {
      choices: ["imagenet", "tf", "unit", "raw"] as const,
      describe: "What an unknown FILE.onnx wants its pixels scaled to",
    })
    .option("tokens", {
      choices: ["class", "mean"] as const,
      describe: "Of an unknown FILE.onnx that ends in tokens: the class token, or the mean of all",
    })
    .option("size", { type: "number", requiresArg: true, describe: "Pixels per side (default: the backbone's)" })
    .option("features", {
      choices: ["pyramid", "last"] as const,
      describe: "Of the backbone: means of its maps at several resolutions too, or the last alone",
    })
    .option("precision", {
      choices: ["auto", "fp32", "int8", "fp16"] as const,
      default: "fp32" as const,
      describe: "Of the backbone: floats, 8-bit integers, half precision on a GPU, or auto for what is better here",
    })
    .option("recipe", { choices: ["tutorial"] as const, describe: "tutorial: RMSprop 1e-4, 50 epochs of batch 32" })
    .option("optimizer", {
      choices: ["rmsprop", "adam", "sgd", "lbfgs"] as const,
      describe: "Default: lbfgs; rmsprop if --epochs, --batch-size or --lr is given",
    })
    .option("epochs", { type: "number", requiresArg: true, describe: "Passes over the tiles (50)" })
    .option("batch-size", { type: "number", requiresArg: true, describe: "Tiles per step (32)" })
    .option("lr", { type: "number", requiresArg: true, describe: "Learning rate (rmsprop 1e-4, adam 1e-3, sgd 1e-2)" })
    .option("l2", { type: "number", requiresArg: true, describe: "L2 strength for lbfgs (default: cross-validated)" })
    .option("val", { type: "number", default: 0.2, requiresArg: true, describe: "Share held out, stratified" })
    .option("seed", { type: "number", default: 1, requiresArg: true, describe: "Decides splits, order and weights" })
    .option("augment", {
      choices: ["none", "d4"] as const,
      default: "none" as const,
      describe: "Train on flips and turns too",
    })
    .option("tta", {
      choices: ["none", "d4"] as const,
      default: "none" as const,
      describe: "Average over flips and turns",
    })
    .option("beta", { type: "number", default: 2, requiresArg: true, describe: "F-beta the thresholds are fitted for" })
    .option("exclusive", {
      type: "string",
      array: true,
      requiresArg: true,
      describe: "Tags of which each tile gets exactly one, as a,b,c; or none (default: groups in the labels are tried)",
    })
    .option("target", {
      type: "string",
      array: true,
      requiresArg: true,
      describe: "Threshold of a tag by its precision or recall, as TAG=precision:0.9",
    })
    .option("calibrate", {
      choices: ["platt", "temperature", "none"] as const,
      describe: "Make probabilities mean what they say (platt)",
    })
    .option("finetune", {
      type: "boolean",
      default: false,
      describe: "Train the backbone, too; kept if it scores better on unseen tiles",
    })
    .option("finetune-epochs", { type: "number", requiresArg: true, describe: "Passes over the tiles (15)" })
    .option("finetune-lr", {
      type: "number",
      requiresArg: true,
      describe:
        "Highest learning rate of the backbone (3e-4 for the one in the box, 1e-4 for others); the head's is three times that",
    })
    .option("finetune-blocks", {
      type: "string",
      requiresArg: true,
      describe: "How many blocks of the backbone learn, from its end, or all (all)",
    })
    .option("memory", {
      type: "string",
      requiresArg: true,
      describe: "Memory for features, such as 4G; more are streamed from disk (half of what is free)",
    })
    .option("tensorboard", {
      type: "string",
      requiresArg: true,
      describe: "Folder for a file of events for TensorBoard",
    })
    .option("escape-formulas", ESCAPE_FORMULAS)
    .option("resume", { type: "boolean", default: false, describe: "Go on where an interrupted training stopped" })
    .example("$0 train --tiles train-jpg --labels train.csv --out model", "Everything by default")
    .example("$0 train --tiles train-jpg --labels train.csv --out model --finetune --tta d4", "The best scores")
    .example(
      "$0 train --tiles train-jpg --labels train.csv --out tutorial --recipe tutorial",
      "The Keras tutorial's head",
    );
}

type Arguments = Awaited<ReturnType<typeof builder>["argv"]> & GlobalArguments;

export async function handler(argv: ArgumentsCamelCase<Arguments>): Promise<void> {
  await runCommand(argv, async (context) => {
    const options = withConfigFile(argv, toOptions);
    if (argv.printConfig) {
      const { configToYaml, completeOptions } = await import("../training/config.js");
      return { json: completeOptions(options), text: configToYaml(options) };
    }
    const { train } = await import("../operations/train.js");
    const summary = await train(options, context);
    return { json: summary, text: describeSummary(summary), rejected: summary.rejected };
  });
}

/** Those of `argv`; the options of a configuration, `base`, may already say what these go with. */
function toOptions(argv: Arguments, base: Partial<TrainOptions>): TrainOptions {
  return {
    tiles: argv.tiles,
    labels: argv.labels,
    ...toLabelOptions(argv),
    out: argv.out,
    backbone: argv.backbone,
    storeBackbone: argv.storeBackbone,
    normalisation: argv.normalisation,
    tokens: argv.tokens,
    size: argv.size,
    features: argv.features,
    precision: argv.precision,
    device: argv.device,
    workers: argv.workers,
    decode: { colorspace: argv.colorspace, maxPixels: argv.maxPixels, onTruncated: argv.onTruncated },
    ...rasterOptions(argv),
    head: {
      recipe: argv.recipe,
      optimizer: argv.optimizer ?? impliedOptimizer(argv, base),
      epochs: argv.epochs,
      batchSize: argv.batchSize,
      learningRate: argv.lr,
      l2: argv.l2,
      seed: argv.seed,
    },
    val: argv.val,
    augment: argv.augment,
    tta: argv.tta,
    beta: argv.beta,
    exclusive: parseExclusive(argv.exclusive),
    targets: argv.target?.map(parseTarget),
    calibrate: argv.calibrate,
    memory: argv.memory === undefined ? undefined : parseBytes("memory", argv.memory),
    finetune: finetuneOptions(argv, base),
    tensorboard: argv.tensorboard,
    resume: argv.resume,
    overwrite: argv.overwrite,
    escapeFormulas: argv.escapeFormulas,
  };
}

/** What takes the settings of mini-batches, if nothing else says it. */
function impliedOptimizer({ epochs, batchSize, lr, recipe }: Arguments, { head }: Partial<TrainOptions>) {
  const isGradient = [epochs, batchSize, lr].some((each) => each !== undefined);
  const isSaid = [recipe, head?.recipe, head?.optimizer].some((each) => each !== undefined);
  return isGradient && !isSaid ? "rmsprop" : undefined;
}

/** @throws OptionError for settings of a fine-tuning that is not asked for */
function finetuneOptions(
  { finetune: wanted, finetuneEpochs, finetuneLr, finetuneBlocks }: Arguments,
  base: Partial<TrainOptions>,
): TrainOptions["finetune"] {
  const given = Object.entries({ finetuneEpochs, finetuneLr, finetuneBlocks }).find(([, value]) => value !== undefined);
  // Not said where a configuration is given.
  const finetune: boolean | undefined = wanted;
  if (finetune === undefined && given === undefined) return undefined;
  if (!(finetune ?? base.finetune)) {
    if (given === undefined) return false;
    const flag = given[0].replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    throw new OptionError(`--${flag} has no meaning without --finetune: give that, too.`);
  }
  return { epochs: finetuneEpochs, learningRate: finetuneLr, blocks: parseBlocks(finetuneBlocks) };
}

/** @throws OptionError unless it is a number or "all" */
function parseBlocks(text: string | undefined): number | "all" | undefined {
  if (text === undefined || text === "all") return text;
  if (/^[1-9]\d*$/.test(text)) return Number(text);
  throw new OptionError(`Expected --finetune-blocks to be all or a number from 1, got "${text}".`);
}

/** Groups as lists of tags; "auto" and "none" stand alone. */
function parseExclusive(groups: readonly string[] | undefined): TrainOptions["exclusive"] {
  if (groups === undefined) return undefined;
  if (groups.join() === "auto") return "auto";
  if (groups.join() === "none") return [];
  return groups.map((group) => group.split(",").map((tag) => tag.trim()));
}

function parseTarget(text: string): TagTarget {
  const [, tag, measure, value] = /^(.+)=(precision|recall):(\d*\.?\d+)$/.exec(text) ?? [];
  if (tag === undefined) {
    throw new OptionError(`Expected --target as TAG=precision:0.9 or TAG=recall:0.9, got "${text}".`);
  }
  return { tag, measure: measure as TagTarget["measure"], value: Number(value) };
}

function describeTargets({ targets }: TrainSummary): string {
  const show = (value: number | null) => (value === null ? "unknown" : value.toFixed(3));
  return targets
    .map((each) => {
      const aim = `${each.tag} at ${each.measure} ${each.value}`;
      return `${aim}: precision ${show(each.precision)}, recall ${show(each.recall)} on tiles the model has not seen\n`;
    })
    .join("");
}

function describeSummary(summary: TrainSummary): string {
  const interval = summary.f2Interval.map((end) => end.toFixed(4)).join(" to ");
  return (
    `F2 ${summary.f2.toFixed(4)} (95%: ${interval}; at 0.5: ${summary.f2AtHalf.toFixed(4)}) on ${summary.measuredOn}\n` +
    `${describeFinetune(summary)}${describeExclusive(summary)}${describeTargets(summary)}${counted(summary.tiles, "tile")}, ${counted(summary.tags.length, "tag")}; ${summary.decoded} decoded, ${summary.cached} from the cache; ` +
    `${summary.seconds.toFixed(1)} s on ${summary.provider}${describePrecision(summary)}\n` +
    `${describeLabelErrors(summary)}\n` +
    `${summary.model}\n${summary.report}`
  );
}

function describeLabelErrors({ labelErrors: { count, expected, file } }: TrainSummary): string {
  if (count === 0) return "No label stands out as wrong";
  return `${counted(count, "label")} worth a look, of which ${expectedErrors(expected)}: ${file}`;
}

function describePrecision({ precision, kernels }: TrainSummary): string {
  if (precision === "fp32") return "";
  return `, ${precision}${kernels === "simulated" ? " simulated in floats" : ""}`;
}

function describeFinetune({ finetune }: TrainSummary): string {
  if (finetune === null) return "";
  const { kept, epochs, f2Before, f2After, mapBefore, mapAfter, engine, msPerTile } = finetune;
  const maps = [mapBefore, mapAfter].map((map) => (map === null ? "-" : map.toFixed(4)));
  const what = kept
    ? `Fine-tuning kept (${counted(epochs, "epoch")})`
    : "Fine-tuning dropped, the frozen backbone is as good";
  const speed = msPerTile === null ? "" : `, ${msPerTile.toFixed(1)} ms a tile`;
  return `${what}: F2 ${f2Before.toFixed(4)} -> ${f2After.toFixed(4)}, mAP ${maps.join(" -> ")} on unseen tiles; ${engine} engine${speed}\n`;
}

function describeExclusive({ exclusive }: TrainSummary): string {
  if (exclusive === null) return "";
  const gain = `F2 ${exclusive.gain < 0 ? "" : "+"}${exclusive.gain.toFixed(4)} on unseen tiles`;
  if (!exclusive.kept) return `Exclusive tags tried and dropped: ${gain}\n`;
  const groups = exclusive.groups.map((group) => group.join(", ")).join("; ");
  return `${exclusive.exactlyOne ? "Exactly one of" : "Exclusive tags kept"} (${groups}): ${gain}\n`;
}
