/** What was trained on what, how fast, and with which versions. */
import type { ReportData } from "../data.js";
import { count, counted, duration, rate } from "../format.js";
import { type Content, type Html, html } from "../html.js";
import { renderTable } from "../table.js";

export function renderFacts(data: ReportData): Html {
  const { training } = data;
  const { backbone } = training;
  return html`<section aria-labelledby="facts"><h2 id="facts">What was trained on what</h2>
<div class="side-by-side">
<div><h3>Data</h3>${renderList([
    ["Tiles", html`<code>${training.input}</code>`],
    ["Labels", html`<code>${training.labels}</code>`],
    ["Used", counted(training.tiles, "tile")],
    ["Rejected", counted(training.rejected, "tile")],
    ["Without labels", counted(training.tilesWithoutLabels, "tile")],
    ["Without tile", counted(training.labelsWithoutTiles, "label row")],
  ])}
<h3>Backbone</h3>${renderList([
    ["Name", backbone.name],
    ["Input", `${training.size} x ${training.size} pixels`],
    ["Licence", backbone.licence],
    ["Origin", backbone.description],
    ["SHA-256", html`<code class="hash">${backbone.sha256}</code>`],
  ])}</div>
<div><h3>Recipe</h3>${renderList([
    ...Object.entries(training.recipe)
      .filter(([name]) => name !== "seed")
      .map(([name, value]): [string, Content] => [name, typeof value === "number" ? setting(value) : String(value)]),
    ["seed", String(training.seed)],
  ])}
<h3>Machine</h3>${renderList([
    ["Device", training.device],
    ["Machine", training.machine],
    ["Date", html`<time datetime="${data.createdAt}">${data.createdAt.replace("T", " ").slice(0, 16)} UTC</time>`],
    ["Duration", duration(training.seconds)],
    ...Object.entries(training.versions).map(([name, version]): [string, Content] => [name, version]),
  ])}</div>
</div>
${data.speed.length > 0 && renderSpeed(data)}</section>`;
}

/** 0.1084, 0.0001, 500 */
function setting(value: number): string {
  return String(Number(value.toPrecision(4)));
}

function renderSpeed({ speed }: ReportData): Html {
  return html`<h3 id="speed">Speed</h3>${renderTable({
    caption: "Speed by stage",
    columns: [{ name: "Stage", kind: "text" }, { name: "Done" }, { name: "Time" }, { name: "Rate" }],
    rows: speed.map(({ stage, count: done, unit, seconds }) => [
      stage,
      `${count(done)} ${unit}`,
      duration(seconds),
      `${rate(done, seconds)} ${unit}/s`,
    ]),
  })}`;
}

function renderList(entries: readonly [string, Content][]): Html {
  return html`<dl class="facts">${entries.map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`)}</dl>`;
}
