/** Labels that may be wrong: tiles whose labels the predictions contradict, with what to change. */
import { MOST_SUSPECTS, type ReportData, type Suspect } from "../data.js";
import { counted, expectedErrors, probability } from "../format.js";
import { type Html, html } from "../html.js";
import type { Album } from "../pictures.js";

/** Tiles visible at once: on a phone each takes a line of its own. */
const UNFOLDED = 12;

export function renderLabelErrors({ labelErrors }: ReportData, album: Album): Html | null {
  if (labelErrors === null) {
    return null;
  }
  const tiles = groupByTile(labelErrors.suspects).slice(0, MOST_SUSPECTS);
  return html`<section aria-labelledby="label-errors"><h2 id="label-errors">Labels that may be wrong</h2>
<p class="muted">${
    labelErrors.count === 0
      ? "None found: models that have not seen the tile contradict no label so much that it is worth a look."
      : `${counted(labelErrors.count, "label")} worth a look, of which ${expectedErrors(labelErrors.expected)}, the surest first. A struck-out tag is in the labels and may be wrong, one with a plus may be missing; beside it the probability of that. It holds if errors strike all tiles alike; on tiles that are hard to tell there may be more.`
  }${labelErrors.file !== undefined && labelErrors.count > 0 && html` All of them: <code>${labelErrors.file}</code>.`}</p>
${tiles.length > 0 && renderTiles(tiles.slice(0, UNFOLDED), album)}
${tiles.length > UNFOLDED && html`<details class="more"><summary>${counted(tiles.length - UNFOLDED, "more tile")}</summary>${renderTiles(tiles.slice(UNFOLDED), album)}</details>`}</section>`;
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
      : html`<li class="remove"><span class="hidden">remove </span><del>${tag}</del> <b>${probability(suspect.score)}</b></li>`;
  })}${missing.map((suspect) => html`<li class="add"><span class="hidden">add </span><ins>${suspect.tag}</ins> <b>${probability(suspect.score)}</b></li>`)}</ul></div></li>`;
}
