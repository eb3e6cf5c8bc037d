/**
 * `node dist/scripts/ranges.js FOLDER`: observes the ranges of the box's backbone on the tiles in FOLDER and writes them
 * into its card, models/canopy.json. Those in the card: `canopy synth --count 256 --seed 1 --out FOLDER`.
 */
import { join } from "node:path";
import { observeRanges } from "../src/features/observe-ranges.js";
import { writeWhole } from "../src/files/write.js";
import { cardText, readCard } from "../src/models/card-file.js";
import { withPyramid } from "../src/models/pyramid.js";
import { BOX, resolveName } from "../src/models/registry.js";
import { prepareBackbone } from "../src/onnx/prepare.js";
import { collectTiles } from "../src/tiles/sources.js";

const [folder] = process.argv.slice(2);
if (folder === undefined) throw new Error("Expected FOLDER.");
const path = join(BOX, "canopy.json");
const { bytes } = await resolveName("canopy");
const card = readCard(path);
const size = card.input.defaultSize;
const { tiles, close } = await collectTiles([folder]);
const ranges = await observeRanges(tiles, { model: prepareBackbone(bytes, withPyramid(card, bytes), size), size });
await close();
const rounded = Object.entries(ranges).map(([name, range]) => [name, range.map((each) => Number(each.toPrecision(6)))]);
await writeWhole(path, cardText({ ...card, ranges: Object.fromEntries(rounded) }));
