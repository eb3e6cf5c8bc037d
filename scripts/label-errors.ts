/**
 * How well label errors are found: plants some in labels that are taken for right, trains by the default recipe, and counts how many of
 * the labels that may be wrong are. `node dist/scripts/label-errors.js TILES LABELS [BACKBONE]` prints a table as in docs/curation.md.
 */
import { findLabelIssues, type LabelIssue } from "../src/curation/label-issues.js";
import { featureBlocks } from "../src/models/pyramid.js";
import { defaultBackbone, resolveBackbone } from "../src/models/registry.js";
import { createRandom, permutation } from "../src/random.js";
import type { LabelMatrix } from "../src/tiles/label-matrix.js";
import { loadDataset } from "../src/training/dataset.js";
import { fitHead } from "../src/training/fit.js";
import { resolveTrainSettings } from "../src/training/settings.js";

const SIZE = 128;
type Kind = "missing" | "superfluous";
const TRIALS: readonly [Kind, number][] = [
  ["missing", 0],
  ["missing", 0.01],
  ["missing", 0.05],
  ["superfluous", 0.01],
  ["superfluous", 0.05],
];

const [tiles, labelFile, name = defaultBackbone()] = process.argv.slice(2);
if (tiles === undefined || labelFile === undefined) throw new Error("Expected TILES and LABELS.");
const settings = resolveTrainSettings({ tiles, labels: labelFile, out: "", size: SIZE });
const backbone = await resolveBackbone(name, { size: SIZE, pyramid: true });
const dataset = await loadDataset({ ...settings.data, backbone, size: SIZE, precision: "fp32" });
const config = { ...settings.fit.head, blocks: featureBlocks(dataset.card) };

console.log("| planted | listed | expected among them | planted among them | planted of the first 50 |");
console.log("|---|--:|--:|--:|--:|");
for (const [kind, share] of TRIALS) {
  const { labels, planted } = plant(dataset.labels, kind, share);
  const options = { ...settings.readout, holdOut: 0, seed: config.seed };
  const { scored } = await fitHead(dataset.features, labels, config, options);
  const issues = findLabelIssues(scored.probabilities, labels);
  const isPlanted = ({ row, tag }: LabelIssue) => planted.has(row * labels.tags.length + tag);
  const expected = Math.round(issues.reduce((sum, { score }) => sum + score, 0));
  const found = issues.filter(isPlanted).length;
  const first = issues.slice(0, 50).filter(isPlanted).length;
  const what = share === 0 ? "none" : `${planted.size} ${kind} tags (${100 * share}%)`;
  console.log(`| ${what} | ${issues.length} | ${expected} | ${found} | ${first} |`);
}
await dataset.close();

/** As many errors as `share` of the tags that are given, anywhere. */
function plant(labels: LabelMatrix, kind: Kind, share: number): { labels: LabelMatrix; planted: Set<number> } {
  const data = labels.data.slice();
  const given = data.reduce((sum, each) => sum + each, 0);
  const cells = [...data.keys()].filter((cell) => (data[cell] === 1) === (kind === "missing"));
  const order = permutation(cells.length, createRandom(1));
  const planted = new Set([...order.slice(0, Math.round(share * given))].map((i) => cells[i]));
  for (const cell of planted) data[cell] = 1 - data[cell];
  return { labels: { ...labels, data }, planted };
}
