/** Networks of every kind, brought as files: what canopy makes of each, against ONNX Runtime on the network itself. */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import ort from "onnxruntime-node";
import { wrapMarkdown } from "../../scripts/wrap.js";
import type { ModelCard } from "../../src/models/card.js";
import { probeBackbone } from "../../src/models/probe.js";
import { describeWithAdvice } from "../../src/models/tried-advice.js";
import { prepareBackbone } from "../../src/onnx/prepare.js";
import { ROOT, suiteFolder } from "../helpers.js";
import { type Kind, SIZE } from "../onnx/kind.js";
import { BATCHES } from "../onnx/kinds-batches.js";
import { ENDINGS } from "../onnx/kinds-endings.js";
import { HEADS } from "../onnx/kinds-heads.js";
import { PIXELS } from "../onnx/kinds-pixels.js";
import { REFUSED } from "../onnx/kinds-refused.js";
import { CHANNELS, flatten, network, pool } from "../onnx/networks.js";
import { maxDifference, randoms, runModel } from "../onnx/run.js";

const PAGE = join(ROOT, "docs/networks.md");
const GROUPS: Record<string, readonly Kind[]> = {
  "Networks with a classifier": HEADS,
  "Networks without one": ENDINGS,
  "One tile at a time": BATCHES,
  "What goes in": PIXELS,
  "Networks that cannot serve": REFUSED,
};
const TILES = 2;
const POOLED = network((g, map) => void g.output("y", flatten(g, pool(g, map)), "float32", ["N", CHANNELS]));

const folder = suiteFolder();
const cacheBefore = process.env["CANOPY_CACHE"];
before(() => {
  process.env["CANOPY_CACHE"] = join(folder, "cache");
});
after(() => {
  if (cacheBefore === undefined) delete process.env["CANOPY_CACHE"];
  else process.env["CANOPY_CACHE"] = cacheBefore;
});

/** What was found of each kind. */
const found = new Map<string, string>();

for (const [group, kinds] of Object.entries(GROUPS)) {
  describe(group, { concurrency: 2 }, () => {
    for (const kind of kinds) it(kind.name, () => check(kind));
  });
}

it("docs/networks.md says what was found (UPDATE_DOCS=1 writes it)", () => {
  const lists = Object.entries(GROUPS).map(([group, kinds]) => {
    const items = kinds.map(({ name }) => `- **${name}**: ${found.get(name) ?? "not run"}.`);
    return `## ${group}\n${items.join("\n")}\n`;
  });
  const page = readFileSync(PAGE, "utf8");
  const start = page.indexOf("## Networks with a classifier");
  const wanted = page.slice(0, start) + wrapMarkdown(lists.join("\n"));
  if (process.env["UPDATE_DOCS"] === "1") writeFileSync(PAGE, wanted);
  else assert.equal(page, wanted);
});

async function check(kind: Kind): Promise<void> {
  const { gives, size = SIZE, oneByOne = false } = kind;
  const notes: string[] = [];
  if (typeof gives === "object" && "refusal" in gives) {
    const error = await bring(kind, notes).then(
      () => assert.fail("it was taken"),
      (error: Error) => error,
    );
    assert.match(error.message, gives.refusal);
    found.set(kind.name, `refused: ${forPage(error.message)}`);
    return;
  }
  const card = await bring(kind, notes);
  assert.equal(card.input.oneByOne ?? false, oneByOne);
  const pixels = Uint8Array.from(randoms(TILES * size * size * 3, 9), (value) => Math.floor((value + 1) * 128));
  const tiles = new ort.Tensor("uint8", pixels, [TILES, size, size, 3]);
  const { features } = await runModel(prepareBackbone(kind.model, card, size), { tiles });
  const expected = await reference(gives === "pooled" ? POOLED : gives.features, pixels, size);
  assert.deepEqual(features.dims, [TILES, expected.length / TILES]);
  const largest = expected.reduce((most, each) => Math.max(most, Math.abs(each)), 0);
  const { tolerance = 1e-5 } = kind;
  assert.ok(maxDifference(features.data, expected) <= tolerance * largest);
  const count = `${card.features.count} features${oneByOne ? ", tile by tile" : ""}`;
  found.set(kind.name, [count, ...notes.map(forPage)].join(". "));
}

/** As a file that is named: described, then tried out. */
async function bring({ model, size = SIZE, options, timeLimit }: Kind, notes: string[]): Promise<ModelCard> {
  const asked = { ...(options ?? { normalisation: "unit" }), size, ...(timeLimit && { timeLimit }) } as const;
  const onWarning = (note: string) => void notes.push(note);
  const card = await describeWithAdvice(model, "net.onnx", { ...asked, onWarning });
  return probeBackbone(model, card, size, asked);
}

/** What `model` itself gives for the tiles, one at a time, pixels in [0, 1]. */
async function reference(model: Uint8Array, pixels: Uint8Array, size: number): Promise<Float32Array> {
  const rows: number[] = [];
  for (let tile = 0; tile < TILES; tile++) {
    const own = pixels.subarray(tile * size * size * 3, (tile + 1) * size * size * 3);
    const planes = Float32Array.from(own, (_, i) => own[(i % size ** 2) * 3 + Math.floor(i / size ** 2)] / 255);
    const { y } = await runModel(model, { x: new ort.Tensor("float32", planes, [1, 3, size, size]) });
    rows.push(...y.data);
  }
  return Float32Array.from(rows);
}

/** Without the file's name, and without what only a certain ONNX Runtime says. */
function forPage(message: string): string {
  return message
    .replace(/^net(\.onnx)?:? /, "")
    .replace(/( in ONNX Runtime): .*/, "$1")
    .replace(/"Flatten_\d+"/g, '"features"')
    .replace(/\.$/, "");
}
