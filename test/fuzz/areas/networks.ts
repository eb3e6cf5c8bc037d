/** Networks of strangers as data: a card and a graph for ONNX Runtime, or one sentence. Nothing is run. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { CanopyError } from "../../../src/errors.js";
import { describeFile } from "../../../src/models/file-model.js";
import { prepareBackbone } from "../../../src/onnx/prepare.js";
import { SIZE } from "../../onnx/kind.js";
import { ENDINGS } from "../../onnx/kinds-endings.js";
import { HEADS } from "../../onnx/kinds-heads.js";
import { type Area, kindOf, type Seed } from "../fuzzer.js";

const WORDS = [
  "Gemm",
  "MatMul",
  "Softmax",
  "Loop",
  "Constant",
  "features",
  "float",
  "../x",
  "\x08\x01",
  "\x12\x80\x80\x04",
];
const MOST_BYTES = 1 << 15;

export function networkArea(folder: string): Area {
  const seeds = [...ENDINGS, ...HEADS]
    .filter(({ model }) => model.length < MOST_BYTES)
    .map(({ model }) => ({ name: "network.onnx", bytes: model }));
  return { seeds, words: WORDS, read: (file) => read(join(folder, file.name), file) };
}

async function read(path: string, { bytes }: Seed): Promise<string> {
  writeFileSync(path, bytes);
  try {
    const card = describeFile(bytes, path, { normalisation: "unit" });
    assert.ok(card.features.count > 0 && Number.isSafeInteger(card.features.count));
    prepareBackbone(bytes, card, card.input.fixedSize ?? SIZE);
    return JSON.stringify([card.input.layout, card.input.fixedSize, card.features.output === null]);
  } catch (error) {
    if (!(error instanceof CanopyError)) throw error;
    assert.ok(error.message.length < 2000, `${error.message.length} characters`);
    return kindOf(error.message);
  }
}
