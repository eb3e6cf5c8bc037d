/** Exporting a trained model as one ONNX file that needs no canopy: pictures in, probabilities out, tags and thresholds inside. */
import { checkKinds, checkOneOf, type OptionKinds } from "../check.js";
import { InterruptedError, ModelError, OptionError } from "../errors.js";
import { KERNELS, type Kernels, precisionOn } from "../features/kernels.js";
import { checkOutput } from "../files/output.js";
import { writeWhole } from "../files/write.js";
import { type Checkpoint, loadCheckpoint } from "../head/checkpoint.js";
import { loadBackbone } from "../models/load-backbone.js";
import { fuseHead } from "../onnx/fuse.js";
import type { IntegerForm } from "../quantise/precision.js";
import { prepareWith } from "../quantise/prepare.js";
import type { RunContext } from "../run-context.js";
import { groupsOf, settledGroups } from "../tags/exclusive.js";
import { findDifference } from "./export-check.js";

export interface ExportOptions {
  /** Folder of the trained model. */
  model: string;
  /** ONNX file to write. */
  out: string;
  /** The backbone's file, if it was given as a file and has moved. @default its old place */
  backbone?: string;
  /** Replaces `out`. @default false */
  overwrite?: boolean;
  /**
   * What the file of an int8 model is to be run with: "integer" kernels, for processors with dot products of bytes, or
   * "simulated", the same in floats, right on all. @default "integer"
   */
  kernels?: Kernels;
}

export interface ExportSummary {
  out: string;
  bytes: number;
  tags: string[];
  /** Pixels per side at which tiles pass without being resized. */
  size: number;
  /** Largest difference between the file's probabilities and canopy's own, on tiles of the model's size and of another. */
  difference: number;
}

/**
 * If probabilities differ by more, the file is wrong. Float32 sums in another order give about 1e-6; with integers a
 * value between two of them may be rounded either way.
 */
const TOLERANCES = { fp32: 1e-4, fp16: 1e-4, int8: 0.02 };

const OPTIONS: OptionKinds<ExportOptions> = {
  model: "string",
  out: "string",
  backbone: "string?",
  overwrite: "boolean?",
  kernels: true,
};

/**
 * Writes the model in `options.model` as one ONNX file and runs it once to see that it agrees. Throws an InputError if
 * the output exists or the folder holds no model, a ModelError if the backbone is not available or the file does not
 * agree.
 */
export async function exportModel(options: ExportOptions, { signal }: RunContext = {}): Promise<ExportSummary> {
  checkKinds(options, OPTIONS);
  const { model, out, overwrite = false } = options;
  await checkOutput(out, overwrite);
  const checkpoint = await loadCheckpoint(model);
  const form = formFor(options, checkpoint);
  const { size } = checkpoint.preprocessing;
  const backbone = await loadBackbone(checkpoint.card, { folder: model, file: options.backbone, size, signal });
  const exported = buildExport(backbone, checkpoint, form);
  const difference = await findDifference(exported, backbone, checkpoint, form);
  if (!(difference <= TOLERANCES[checkpoint.precision ?? "fp32"])) {
    throw new ModelError(
      `The exported model's probabilities differ by ${difference} from canopy's; nothing was written.`,
    );
  }
  if (signal?.aborted) throw new InterruptedError("Interrupted; nothing was written.");
  await writeWhole(out, exported);
  const { tags, preprocessing } = checkpoint;
  return { out, bytes: exported.byteLength, tags, size: preprocessing.size, difference };
}

function formFor({ kernels, model }: ExportOptions, { precision }: Checkpoint): IntegerForm {
  if (kernels === undefined) return "pairs";
  checkOneOf("kernels", kernels, KERNELS);
  if (precision === "int8") return kernels === "integer" ? "pairs" : "whole";
  throw new OptionError(`\`kernels\` is for models of 8-bit integers; the one in ${model} computes with floats.`);
}

/**
 * The model as ONNX bytes: input `tiles` uint8 `[N, H, W, 3]` RGB, any N, H and W; outputs `probabilities` float32 `[N, tags]`, `tags`
 * string `[tags]`, `thresholds` float32 `[tags]`, and `given` bool `[N, tags]` if each tile gets exactly one tag of some groups. The metadata says the same and more, as JSON, under keys that begin with `canopy.`.
 */
export function buildExport(backbone: Uint8Array, checkpoint: Checkpoint, form: IntegerForm): Uint8Array {
  const { card, head, tags, thresholds, preprocessing, createdBy, precision = "fp32" } = checkpoint;
  const groups = groupsOf(checkpoint);
  // Half precision is for canopy on a GPU; the file is for anywhere.
  const prepared = prepareWith(precisionOn("cpu", precision), backbone, card, preprocessing.size, {
    resize: preprocessing.antialias ? "antialias" : "plain",
    allViews: preprocessing.tta === "d4",
    form,
  });
  const metadata = {
    "canopy.format": "1",
    "canopy.created_by": createdBy,
    "canopy.tags": JSON.stringify(tags),
    "canopy.thresholds": JSON.stringify(Array.from(thresholds)),
    "canopy.exclusive": JSON.stringify(checkpoint.exclusive ?? []),
    "canopy.exactly_one": JSON.stringify(groups.exactlyOne),
    "canopy.precision": precisionOn("cpu", precision),
    "canopy.preprocessing": JSON.stringify(preprocessing),
    "canopy.card": JSON.stringify(card),
  };
  const { exclusive } = groups;
  return fuseHead(prepared, { ...head, tags, thresholds, exclusive, settled: settledGroups(groups) }, metadata);
}
