/** Tiles as a file of a labelling tool, piece by piece: only one tile is in memory. */
import type { CuratedTile, ExchangeFormat } from "./curated-tile.js";
import { toSample } from "./fiftyone.js";
import { type ImageUrlOptions, pictureProblem } from "./image-url.js";
import { toTask } from "./label-studio.js";

interface ExchangeOptions extends ImageUrlOptions {
  /** All tags, for tools that need the list. */
  tags: readonly string[];
  /** The name of the model in predictions. @default "canopy" */
  modelName?: string | undefined;
  /** Called once for each reason why pictures cannot be shown. */
  onWarning?: ((message: string) => void) | undefined;
}

/** The text of the file, in pieces. */
export async function* exchangeText(
  format: ExchangeFormat,
  tiles: AsyncIterable<CuratedTile> | Iterable<CuratedTile>,
  options: ExchangeOptions,
): AsyncGenerator<string> {
  const classes = JSON.stringify(options.tags);
  yield format === "label-studio" ? "[" : `{"version":1,"classes":${classes},"samples":[`;
  let separator = "\n";
  const problems = new Map<string, { count: number; first: string }>();
  for await (const tile of tiles) {
    const problem = pictureProblem(tile.tile, format, options);
    if (problem !== undefined) {
      const { count, first } = problems.get(problem) ?? { count: 0, first: tile.tile.name };
      problems.set(problem, { count: count + 1, first });
    }
    yield separator + JSON.stringify(format === "label-studio" ? toTask(tile, options) : toSample(tile));
    separator = ",\n";
  }
  yield format === "label-studio" ? "\n]\n" : "\n]}\n";
  for (const [problem, { count, first }] of problems) {
    options.onWarning?.(`${count} of the pictures cannot be shown, the first is ${first}: ${problem}.`);
  }
}
