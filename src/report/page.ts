/** The page. In: ReportData. Out: one HTML file that needs no network, no script and no other file. */
import { createHash } from "node:crypto";
import { listPictures, type ReportData } from "./data.js";
import { counted } from "./format.js";
import { type Html, html, render, trusted } from "./html.js";
import { type Album, createAlbum } from "./pictures.js";
import { SCRIPT } from "./script.js";
import { renderCalibration, renderConfusions, renderCoOccurrence, renderHistory } from "./sections/diagnostics.js";
import { renderFacts } from "./sections/facts.js";
import { renderLabelErrors } from "./sections/label-errors.js";
import { renderOverview } from "./sections/overview.js";
import { renderCurves, renderTagCards, renderTagTable } from "./sections/tags.js";
import { STYLE } from "./style.js";

/** Limit of a report in bytes: pictures beyond it are left out. */
export const REPORT_BYTE_LIMIT = 5_000_000;

/** The report as an HTML document; the same data give the same bytes. */
export function renderReport(data: ReportData): string {
  const compose = composer(data);
  const wanted = listPictures(data.summary, data.labelErrors);
  const bare = Buffer.byteLength(compose(createAlbum(data.pictures, wanted, 0)));
  return compose(createAlbum(data.pictures, wanted, REPORT_BYTE_LIMIT - bare));
}

/** Renders charts once; how many pictures fit depends on the size of the rest. */
function composer(data: ReportData): (album: Album) => string {
  const curves = renderCurves(data);
  const overview = renderOverview(data);
  const tags = renderTagTable(data);
  const rest = [
    renderConfusions(data),
    renderCalibration(data),
    renderCoOccurrence(data),
    renderHistory(data),
    renderFacts(data),
  ];
  return (album) =>
    renderDocument(data, [overview, tags, renderLabelErrors(data, album), renderTagCards(data, curves, album), rest]);
}

const SECTIONS = [
  ["overview", "Overview"],
  ["tags", "Tags"],
  ["label-errors", "Label errors"],
  ["by-tag", "Tag by tag"],
  ["confusions", "Confusions"],
  ["calibration", "Calibration"],
  ["co-occurrence", "Co-occurrence"],
  ["history", "History"],
  ["facts", "Facts"],
] as const;

function renderDocument(data: ReportData, sections: (Html | null | Html[])[]): string {
  const links = SECTIONS.filter(([id]) => id !== "label-errors" || data.labelErrors !== null);
  const { training, score } = data;
  return render(html`<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${POLICY}">
<meta name="color-scheme" content="light dark"><meta name="generator" content="${data.createdBy}">
<title>${data.name} – canopy report</title><link rel="icon" href="data:,">
<style>${trusted(STYLE)}</style></head>
<body><a class="skip" href="#main">Skip to the report</a>
<header class="page"><p class="muted kicker">canopy report</p><h1>${data.name}</h1>
<p class="muted">${counted(training.tiles, "tile")}, ${counted(score.metrics.perTag.length, "tag")} · ${training.backbone.name} at ${training.size} pixels on ${training.device} · ${data.createdAt.slice(0, 10)} · ${data.createdBy}</p></header>
<nav aria-label="Sections"><ul>${links.map(([id, name]) => html`<li><a href="#${id}">${name}</a></li>`)}</ul></nav>
<main id="main" class="page" tabindex="-1">${sections}</main>
<footer class="page muted">Written by ${data.createdBy}. This file stands alone: it loads nothing.</footer>
<script>${trusted(SCRIPT)}</script></body></html>
`);
}

/** Nothing is loaded, and only this page's own script and style sheet run, whatever tag and file names contain. */
const POLICY = `default-src 'none'; img-src data:; style-src ${hashOf(STYLE)}; script-src ${hashOf(SCRIPT)}; base-uri 'none'; form-action 'none'`;

function hashOf(text: string): string {
  return `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
}
