/** Label Studio: tiles as tasks to import, and the labelling interface they need. See docs/curation.md. */
import type { TagDoubt } from "../labels/name-list.js";
import { tileLocation } from "../tiles/tile.js";
import type { CuratedTile } from "./curated-tile.js";
import { type ImageUrlOptions, toImageUrl } from "./image-url.js";

/** A task as Label Studio imports and exports it; only what canopy writes. */
interface LabelStudioTask {
  data: { image: string; name: string; path: string; score?: number; reason?: string; doubts?: string };
  /** Tags chosen by people. */
  annotations?: { result: ChoicesResult[] }[];
  /** Tags chosen by a model, shown before people choose. */
  predictions?: { model_version: string; score?: number; result: ChoicesResult[] }[];
}

interface ChoicesResult {
  id: string;
  from_name: string;
  to_name: string;
  type: "choices";
  value: { choices: string[] };
}

/** Names in the labelling interface. */
const IMAGE = "image";
const CONTROL = "tags";

/** `tile` as a task: its labels an annotation, the model's tags a prediction. */
export function toTask(
  { tile, labels, prediction, suggestion, doubts }: CuratedTile,
  options: ImageUrlOptions & { modelName?: string | undefined } = {},
): LabelStudioTask {
  const { modelName = "canopy" } = options;
  return {
    data: {
      image: toImageUrl(tile, options),
      name: tile.name,
      path: tileLocation(tile),
      ...suggestion,
      ...(doubts && { doubts: doubts.map(describeDoubt).join("; ") }),
    },
    ...(labels && { annotations: [{ result: choices(labels) }] }),
    ...(prediction && {
      predictions: [
        {
          model_version: modelName,
          // If Label Studio sorts by uncertainty, it shows the lowest score first.
          ...(suggestion && { score: round(1 - suggestion.score) }),
          result: choices(prediction.tags),
        },
      ],
    }),
  };
}

/** As annotators read it. */
function describeDoubt({ tag, given, probability }: TagDoubt): string {
  return `${tag}: ${given ? "given, perhaps wrongly" : "perhaps missing"} (probability ${probability.toFixed(2)})`;
}

/** The labelling interface for the tags: paste it into the project's settings. `doubts`: whether tasks have some to show. */
export function labelConfig(tags: readonly string[], { doubts = false }: { doubts?: boolean } = {}): string {
  const list = tags.map((tag) => `    <Choice value="${escapeXml(tag)}"/>\n`).join("");
  return (
    `<View>\n  <Image name="${IMAGE}" value="$image" zoom="true"/>\n` +
    (doubts ? '  <Header value="$doubts"/>\n' : "") +
    `  <Choices name="${CONTROL}" toName="${IMAGE}" choice="multiple" showInline="true">\n${list}  </Choices>\n</View>\n`
  );
}

/** As Label Studio writes it: no entry if nothing is chosen. Its import may refuse an empty list. */
function choices(tags: readonly string[]): ChoicesResult[] {
  if (tags.length === 0) return [];
  return [{ id: CONTROL, from_name: CONTROL, to_name: IMAGE, type: "choices", value: { choices: [...tags] } }];
}

function round(value: number): number {
  return Math.round(value * 1e6) / 1e6;
}

function escapeXml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
