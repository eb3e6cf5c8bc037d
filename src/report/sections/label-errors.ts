/** Probable label errors: tiles whose labels the predictions contradict, with what to change. */
import { type LabelErrors, MOST_SUSPECTS, type ReportData, type Suspect } from "../data.js";
import { count, counted, probability } from "../format.js";
import { type Html, html } from "../html.js";
import type { Album } from "../pictures.js";

/** Tiles visible at once: on a phone each takes a line of its own. */
const UNFOLDED = 12;

export function renderLabelErrors({ labelErrors }: ReportData, album: Album): Html | null {
  if (labelErrors === null) {
    return null;
  }
  const tiles = groupByTile(labelErrors.suspects).slice(0, MOST_SUSPECTS);
  return html`<section aria-labelledby="label-errors"><h2 id="label-errors">Probable label errors</h2>
<p class="muted">${
    labelErrors.count === 0
      ? "None found: no label is contradicted by models that have not seen the tile."
      : `${counted(labelErrors.count, "label")} contradicted by models that have not seen the tile, the surest first${describeSureness(labelErrors)}. A struck-out tag is in the labels and probably wrong, one with a plus is probably missing; beside it its probability. Not every one is an error: look before you change it.`
  }${labelErrors.file !== undefined && labelErrors.count > 0 && html` All of them: <code>${labelErrors.file}</code>.`}</p>
${tiles.length > 0 && renderTiles(tiles.slice(0, UNFOLDED), album)}
${tiles.length > UNFOLDED && html`<details class="more"><summary>${counted(tiles.length - UNFOLDED, "more tile")}</summary>${renderTiles(tiles.slice(UNFOLDED), album)}</details>`}</section>`;
}

/** The probabilities are the model's own: they say how sure it is, not how often it is right. */
function describeSureness({ sureness, count: all }: LabelErrors): string {
  const parts = sureness.map(
    ({ from, count: number }) => `${count(number)} of them with ${Math.round(from * 100)}% or more`,
  );
  return all === 0 || parts.length === 0 ? "" : `: the model holds ${parts.join(", ")} to be wrong`;
}

function renderTiles(tiles: readonly Suspect[][], album: Album): Html {
  return html`<ul class="suspects">${tiles.map((tile) => renderTile(tile, album))}</ul>`;
}

function groupByTile(suspects: readonly Suspect[]): Suspect[][] {
  const tiles = new Map<string, Suspect[]>();
  for (const suspect of suspects) {
    tiles.set(suspect.name, [...(tiles.get(suspect.name) ?? []), suspect]);
  }
  return [...tiles.values()];
}

function renderTile(suspects: readonly Suspect[], album: Album): Html {
  const { name, tags } = suspects[0];
  const doubted = new Map(suspects.filter((suspect) => suspect.given).map((suspect) => [suspect.tag, suspect]));
  const missing = suspects.filter((suspect) => !suspect.given);
  return html`<li>${album.show(name, `Tile ${name}`)}<div><span class="name">${name}</span>
<ul class="changes">${tags.map((tag) => {
    const suspect = doubted.get(tag);
    return suspect === undefined
      ? html`<li>${tag}</li>`
      : html`<li class="remove"><span class="hidden">remove </span><del>${tag}</del> <b>${probability(suspect.probability)}</b></li>`;
  })}${missing.map((suspect) => html`<li class="add"><span class="hidden">add </span><ins>${suspect.tag}</ins> <b>${probability(suspect.probability)}</b></li>`)}</ul></div></li>`;
}
