/** Sections of charts: calibration, co-occurrence, history. */
import type { HistoryRow } from "../../head/history.js";
import { coOccurrenceChart, historyChart, reliabilityChart } from "../charts.js";
import type { ReportData } from "../data.js";
import { count, counted, score } from "../format.js";
import { type Html, html } from "../html.js";
import { renderNumbers, renderTable } from "../table.js";

/** Tags in the co-occurrence charts. */
const MOST_TAGS = 30;

/** Rows of the table of co-occurrence. */
const MOST_PAIRS = 12;

/** Rows of the table of the history. */
const HISTORY_ROWS = 50;

export function renderCalibration({ summary: { reliability } }: ReportData): Html {
  return html`<section aria-labelledby="calibration"><h2 id="calibration">Calibration</h2>
<div class="side-by-side"><figure>${reliabilityChart(reliability)}
${renderNumbers({
  caption: "Reliability by bin of probability",
  columns: [
    { name: "Probability", kind: "text" },
    { name: "Cells" },
    { name: "Mean probability" },
    { name: "Share that is true" },
  ],
  rows: reliability.bins.map((bin) => [
    `${bin.low.toFixed(1)} – ${bin.high.toFixed(1)}`,
    count(bin.count),
    score(bin.meanProbability),
    score(bin.share),
  ]),
})}</figure>
<p>Expected calibration error <strong>${score(reliability.ece)}</strong>, over every tile and tag. Of the labels given a probability of 0.8, eight in ten should be true:
above the dashed line the model is too modest, below it too sure. The bars below count the cells in each bin (logarithmic).</p></div></section>`;
}

export function renderCoOccurrence({ summary, score: { metrics } }: ReportData): Html {
  const tags = summary.tags.map((tag) => tag.tag);
  const columns = tags.map((_, column) => column);
  const shown = columns
    .sort((a, b) => metrics.perTag[b].support - metrics.perTag[a].support || a - b)
    .slice(0, MOST_TAGS);
  const { labels, predicted } = summary.coOccurrence;
  const chart = (id: string, what: string, counts: number[]) =>
    html`<figure><figcaption>${what.replace("in", "In")}</figcaption><div class="scroll" role="region" aria-label="Co-occurrence: ${what}" tabindex="0">${coOccurrenceChart(id, `Heat map of which tags occur together: ${what}. The table below lists the largest differences.`, tags, counts, shown)}</div></figure>`;
  return html`<section aria-labelledby="co-occurrence"><h2 id="co-occurrence">Tags that occur together</h2>
<p class="muted">Of the tiles with the row's tag, the share that also has the column's, from none (pale) to all (full).
${tags.length > shown.length && `The ${shown.length} tags with the most positives.`}</p>
<div class="side-by-side">${chart("together-labels", "in the labels", labels)}${chart("together-predicted", "in the predictions", predicted)}</div>
${renderPairs(tags, summary.coOccurrence, shown)}</section>`;
}

/** Tags in a line of the table of confusions. */
const MOST_INSTEAD = 5;

export function renderConfusions({ summary: { tags, confusions } }: ReportData): Html {
  const rows = tags
    .map(({ tag, misses }, row) => ({ tag, missed: misses.count, instead: givenInstead(tags, confusions, row) }))
    .filter(({ missed }) => missed > 0)
    .sort((a, b) => b.missed - a.missed);
  return html`<section aria-labelledby="confusions"><h2 id="confusions">Which tags come for which</h2>
<p class="muted">Of the tiles on which a tag was missed, those that were wrongly given another one.</p>
${
  rows.length === 0
    ? html`<p>No tag was missed.</p>`
    : renderTable({
        caption: "Tags that were missed, and what was given wrongly on these tiles",
        columns: [
          { name: "Tag", kind: "text" },
          { name: "Missed" },
          { name: "Given instead, with the number of tiles", kind: "text" },
        ],
        rows: rows.map(({ tag, missed, instead }) => [tag, count(missed), instead || "nothing"]),
      })
}</section>`;
}

function givenInstead(tags: ReportData["summary"]["tags"], confusions: readonly number[], row: number): string {
  const others = tags.map(({ tag }, column) => ({ tag, count: confusions[row * tags.length + column] }));
  const found = others.filter((other) => other.count > 0).sort((a, b) => b.count - a.count);
  return found
    .slice(0, MOST_INSTEAD)
    .map((other) => `${other.tag} ${count(other.count)}`)
    .join(", ");
}

function renderPairs(
  tags: readonly string[],
  { labels, predicted }: { labels: number[]; predicted: number[] },
  shown: readonly number[],
): Html | null {
  const width = tags.length;
  const pairs = shown.flatMap((row) => shown.filter((column) => row < column).map((column) => row * width + column));
  const gap = (cell: number) => Math.abs(labels[cell] - predicted[cell]);
  const largest = pairs
    .filter((cell) => gap(cell) > 0)
    .sort((a, b) => gap(b) - gap(a))
    .slice(0, MOST_PAIRS);
  if (largest.length === 0) {
    return null;
  }
  return renderTable({
    caption: "Pairs the model gets most wrong, in tiles",
    columns: [{ name: "Tags", kind: "text" }, { name: "Labelled" }, { name: "Predicted" }],
    rows: largest.map((cell) => [
      `${tags[Math.floor(cell / width)]} + ${tags[cell % width]}`,
      count(labels[cell]),
      count(predicted[cell]),
    ]),
  });
}

export function renderHistory({ history, training, finetune }: ReportData): Html {
  const unit = training.recipe["optimizer"] === "lbfgs" && !finetune?.kept ? "iteration" : "epoch";
  return html`<section aria-labelledby="history"><h2 id="history">Training history</h2>
${history.length < 2 ? renderShortHistory(history, unit) : renderHistoryCharts(history, unit)}</section>`;
}

/** One point is no curve. */
function renderShortHistory([only]: readonly HistoryRow[], unit: string): Html {
  return only === undefined
    ? html`<p class="muted">None was kept.</p>`
    : html`<p class="muted">Only its end was scored, after ${counted(only.epoch, unit)}: loss ${score(only.loss, 4)}, F2 at 0.5 ${score(only.f2)}${
        only.valLoss !== null && ` (held out: ${score(only.valLoss, 4)}, ${score(only.valF2)})`
      }.</p>`;
}

function renderHistoryCharts(history: readonly HistoryRow[], unit: string): Html {
  const step = Math.ceil(history.length / HISTORY_ROWS);
  const rows = history.filter((_, i) => i % step === 0 || i === history.length - 1);
  const first = unit === "epoch" ? "Epoch" : "Iterations";
  return html`<div class="side-by-side"><figure>${historyChart(history, "loss", unit)}</figure><figure>${historyChart(history, "f2", unit)}</figure></div>
${renderNumbers({
  caption: `Training history by ${unit}`,
  columns: [first, "Loss", "Binary accuracy", "F2 at 0.5", "Held-out loss", "Held-out accuracy", "Held-out F2"].map(
    (name) => ({ name }),
  ),
  rows: rows.map((row) => [
    count(row.epoch),
    score(row.loss, 4),
    score(row.binaryAccuracy),
    score(row.f2),
    score(row.valLoss, 4),
    score(row.valBinaryAccuracy),
    score(row.valF2),
  ]),
})}`;
}
