/** What stands in index.ts is whole: whoever uses the library finds every type it speaks of, and a sentence on every option. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { textsOf } from "./messages.js";
import { propertiesOf, readPublicApi, sentenceOf } from "./public-api.js";

const { checker, exported, reachable } = readPublicApi();

test("every type that occurs in what is exported is exported, too", () => {
  const missing = [...reachable].filter(([symbol]) => !exported.has(symbol));
  assert.deepEqual(
    missing.map(([{ name }, place]) => `${name}, of ${place}`),
    [],
  );
  assert.ok(exported.size > 150, "the walk has found the exports");
});

test("every exported function says what it does, and every option has its sentence", () => {
  const silent: string[] = [];
  for (const symbol of exported) {
    if (/^[a-z]/.test(symbol.name) && sentenceOf(symbol, checker) === "") silent.push(symbol.name);
    if (!/(Options|Settings|RunContext|EncodedPicture|RawPicture|PictureFile)$/.test(symbol.name)) continue;
    for (const option of propertiesOf(symbol, checker)) {
      if (sentenceOf(option, checker) === "") silent.push(`${symbol.name}.${option.name}`);
    }
  }
  assert.deepEqual(silent, []);
});

test("messages name options as the library does; the command line shows flags in their place", () => {
  // The report's style sheets have custom properties, and a benchmark starts processes of its own.
  const texts = textsOf((file) => !/^(cli|bench)\/|^report\/(style|charts?)\.ts/.test(file));
  assert.ok(texts.length > 2000);
  // The path of a script of ONNX Runtime stands before its flag.
  const commands = /(canopy|node) [^,;()]*--[a-z]|^ --onnxruntime-node-install/g;
  assert.deepEqual(
    texts.filter(({ text }) => /--[a-z]/.test(text.replaceAll(commands, ""))),
    [],
  );
});

test("all names of the library are in camelCase", () => {
  const wrong: string[] = [];
  for (const symbol of reachable.keys()) {
    for (const { name } of propertiesOf(symbol, checker)) {
      if (/^[a-z][a-zA-Z0-9]*_/.test(name)) wrong.push(`${symbol.name}.${name}`);
    }
  }
  assert.deepEqual(wrong, []);
});
