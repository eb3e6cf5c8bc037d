/**
 * Makes `models/canopy.onnx` of the safetensors file that export.py wrote: int8 weights, one scale per output channel.
 *
 *     node models/pretrain/export.mjs weights.safetensors
 *
 * Needs the built project (`npm run build:ts`). Checks before it writes: the float32 network equals PyTorch's features within 1e-3,
 * and the int8 file's are bit-equal to those of the float32 network it stands for. Then brings size and hash in `canopy.json` up to date.
 */
import { createHash } from "node:crypto";
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import * as ort from "onnxruntime-node";
import { buildMobileNetV2 } from "../../dist/src/models/mobilenetv2.js";
import { compactWeights } from "../../dist/src/onnx/compact-weights.js";
import { exposeWeights } from "../../dist/src/onnx/fold.js";
import { decodeModel, encodeModel } from "../../dist/src/onnx/proto.js";
import { decodeSafetensors } from "../../dist/src/onnx/safetensors.js";

const TARGET = fileURLToPath(new URL("../canopy.onnx", import.meta.url));
const CARD = fileURLToPath(new URL("../canopy.json", import.meta.url));
const PADDING = { padding: "symmetric" };

const [source] = process.argv.slice(2);
if (source === undefined) throw new Error("Usage: node export.mjs WEIGHTS.safetensors");
const tensors = decodeSafetensors(new Uint8Array(readFileSync(source)), source).tensors;
const weights = new Map([...tensors].filter(([name]) => !name.startsWith("probe.")));
const network = buildMobileNetV2(weights, PADDING);
const file = edited(network, compactWeights);

const expected = tensors.get("probe.features").data;
const float = await features(network);
const int8 = await features(file);
const standIn = await features(edited(file, exposeWeights));
console.log(`float32 against PyTorch: at most ${difference(float, expected).toExponential(1)} apart`);
console.log(`int8 against the float32 network it stands for: ${difference(int8, standIn)}`);
console.log(`rounding to int8 moved features by ${difference(int8, float).toExponential(1)} at most`);
if (!(difference(float, expected) < 1e-3)) throw new Error("The exported network is not the trained one.");
if (difference(int8, standIn) !== 0) throw new Error("int8 storage changed the network.");

writeWhole(TARGET, file);
const card = JSON.parse(readFileSync(CARD, "utf8"));
card.byteLength = file.length;
card.sha256 = createHash("sha256").update(file).digest("hex");
writeWhole(CARD, `${JSON.stringify(card, undefined, 2)}\n`);
console.log(`${TARGET}: ${file.length} bytes`);

/** `network` after `edit`, which changes it in place. */
function edited(network, edit) {
  const model = decodeModel(network, source);
  edit(model);
  return encodeModel(model);
}

/** Features of the probe pictures, [4 * 1280]. */
async function features(model) {
  const session = await ort.InferenceSession.create(model, { intraOpNumThreads: 1 });
  const probe = tensors.get("probe.input");
  const result = await session.run({ input: new ort.Tensor("float32", probe.data, probe.dims) });
  return result.features.data;
}

function difference(some, others) {
  return some.reduce((most, each, i) => Math.max(most, Math.abs(each - others[i])), 0);
}

function writeWhole(path, content) {
  writeFileSync(`${path}.part`, content);
  renameSync(`${path}.part`, path);
}
