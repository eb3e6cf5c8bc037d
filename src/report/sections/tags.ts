/** Tags: the table of scores, and for each tag its curve and its pictures. */
import type { TagMetrics } from "../../head/metrics.js";
import { precisionRecallChart } from "../charts.js";
import { FEW_POSITIVES, type Gallery, type GalleryTile, type ReportData, type TagSummary } from "../data.js";
import { hasFewPositives } from "../findings.js";
import { count, counted, probability, score } from "../format.js";
import { type Html, html } from "../html.js";
import type { Album } from "../pictures.js";
import { renderNumbers, renderTable } from "../table.js";

/** Tags shown with curve and pictures; the table has them all. */
const MOST_CARDS = 60;

/** Points of a curve in its table. */
const CURVE_ROWS = 10;

export function renderTagTable({ score: { metrics } }: ReportData): Html {
  const shown = new Set(columnsWithCards(metrics.perTag));
  const rows = metrics.perTag.map((tag, column) => [
    shown.has(column) ? html`<a href="#tag-${column}">${tag.tag}</a>` : tag.tag,
    ...renderScores(tag),
    count(tag.support),
    count(tag.predicted),
    score(tag.threshold),
    tag.support === 0 ? "no positives" : hasFewPositives(tag) && "too few positives to tell",
  ]);
  const columns = [
    "Tag",
    "F2",
    "Average precision",
    "Precision",
    "Recall",
    "Positives",
    "Predicted",
    "Threshold",
    "Note",
  ];
  return html`<section aria-labelledby="tags"><h2 id="tags">Tags</h2>
<p class="muted">Scores at the fitted thresholds. Below ${FEW_POSITIVES} positives a tag's scores say little, whatever they are.</p>
${renderTable({
  caption: "Scores by tag",
  columns: columns.map((name) => ({ name, kind: name === "Tag" || name === "Note" ? "text" : "number" })),
  rows,
  sortable: true,
})}</section>`;
}

/**
 * The most important columns come first: a phone shows three. Unreliable scores are pale and have no bar, so that a 0
 * is not taken for a result.
 */
function renderScores(tag: TagMetrics): Html[] {
  const numbers = [tag.f2, tag.averagePrecision, tag.precision, tag.recall];
  return hasFewPositives(tag)
    ? numbers.map((value) => html`<span class="unsure">${score(value)}</span>`)
    : numbers.map((value, i) => (i < 2 ? withBar(value) : html`${score(value)}`));
}

export function renderTagCards(data: ReportData, curves: readonly (Html | null)[], album: Album): Html {
  const columns = columnsWithCards(data.score.metrics.perTag);
  const left = data.summary.tags.length - columns.length;
  return html`<section aria-labelledby="by-tag"><h2 id="by-tag">Tag by tag</h2>
<p class="muted">Precision over recall with the chosen threshold as a dot; the surest hits, the worst false alarms and the worst misses, with their probability and their labels.
${left > 0 && `The ${columns.length} tags with the most positives; ${left} more are in the table.`}</p>
${columns.map((column) => renderCard(data, column, curves[column] ?? null, album))}</section>`;
}

/** The curve of every tag that has a card, by column. */
export function renderCurves({ summary, score: { metrics } }: ReportData): (Html | null)[] {
  const shown = new Set(columnsWithCards(metrics.perTag));
  return summary.tags.map((tag, column) =>
    shown.has(column) && tag.curve.length > 0 ? precisionRecallChart(tag, column, metrics.perTag[column]) : null,
  );
}

function columnsWithCards(perTag: readonly TagMetrics[]): number[] {
  const columns = perTag.map((_, column) => column);
  const bySupport = columns.sort((a, b) => perTag[b].support - perTag[a].support || a - b);
  return bySupport.slice(0, MOST_CARDS).sort((a, b) => a - b);
}

function renderCard(
  { summary, score: { metrics } }: ReportData,
  column: number,
  curve: Html | null,
  album: Album,
): Html {
  const tag = summary.tags[column];
  const scores = metrics.perTag[column];
  return html`<article class="card" aria-labelledby="tag-${column}">
<header><h3 id="tag-${column}">${tag.tag}</h3><p>${counted(scores.support, "positive")} · F2 ${score(scores.f2)} · average precision ${score(scores.averagePrecision)} · threshold ${score(scores.threshold)}
${hasFewPositives(scores) && html`<span class="badge">${scores.support === 0 ? "no positives" : "too few positives to tell"}</span>`}</p></header>
<div class="curve">${curve === null ? html`<p class="muted">No curve: no tile has this tag.</p>` : [curve, renderCurveNumbers(tag)]}</div>
<div class="galleries">
${renderGallery("Hits", "hit", tag, tag.hits, album)}
${renderGallery("False alarms", "false alarm", tag, tag.falseAlarms, album)}
${renderGallery("Misses", "miss", tag, tag.misses, album)}
</div></article>`;
}

function renderCurveNumbers({ tag, curve }: TagSummary): Html {
  const step = Math.max(1, Math.ceil(curve.length / CURVE_ROWS));
  const rows = curve
    .filter((_, i) => i % step === 0 || i === curve.length - 1)
    .map(({ threshold, precision, recall }) => [score(threshold), score(precision), score(recall)]);
  return renderNumbers({
    caption: `Precision and recall of ${tag} by threshold`,
    columns: [{ name: "Threshold" }, { name: "Precision" }, { name: "Recall" }],
    rows,
  });
}

function renderGallery(title: string, kind: string, { tag }: TagSummary, gallery: Gallery, album: Album): Html {
  return html`<div class="gallery ${kind.replace(" ", "-")}"><h4>${title} <span class="muted">${count(gallery.count)}</span></h4>
${gallery.count > 0 && html`<ul class="pictures">${gallery.tiles.map((tile) => renderTile(tile, `${kind}, ${tag} ${probability(tile.probability)}`, album))}</ul>`}</div>`;
}

function renderTile({ name, probability: value, tags }: GalleryTile, what: string, album: Album): Html {
  const labels = tags.join(" ");
  return html`<li>${album.show(name, `Tile ${name}: ${what}`)}<b>${probability(value)}</b> <span class="name">${name}</span><span class="labels">${labels}</span></li>`;
}

/** A number from 0 to 1 on a bar of its length; the style sheet has a class for each twentieth. */
function withBar(value: number | null): Html {
  return html`<span class="bar bar-${value === null ? 0 : Math.round(value * 20)}">${score(value)}</span>`;
}
