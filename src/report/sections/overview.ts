/** The first screen: how good the model is, what is wrong with the data, what to do next. */
import { scoreChart } from "../charts.js";
import type { ReportData } from "../data.js";
import { type Finding, findFindings } from "../findings.js";
import { count, counted, duration, percent, rate, score } from "../format.js";
import { type Html, html } from "../html.js";

export function renderOverview(data: ReportData): Html {
  const { worth, data: wrong, next } = findFindings(data);
  return html`<section aria-labelledby="overview" class="overview">
<h2 id="overview" class="hidden">Overview</h2>
<div class="hero">${renderHeadline(data)}
<figure>${scoreChart(data)}${data.score.interval && html`<figcaption>The line is the ${percent(data.score.interval.level)} interval.</figcaption>`}</figure></div>
${renderFigures(data)}
<div class="findings">
${renderFindings("What it is worth", worth)}
${renderFindings("What is wrong with the data", wrong)}
${renderFindings("What to do next", next)}
</div></section>`;
}

function renderHeadline({ score: { metrics, measuredOn, folds, interval } }: ReportData): Html {
  const on =
    measuredOn === "out-of-fold"
      ? `measured on ${counted(metrics.tiles, "tile")}, each by a head that had not seen it${folds === undefined ? "" : ` (${folds}-fold)`}`
      : `measured on ${counted(metrics.tiles, "tile")} held out of training`;
  const [first, second] = metrics.perTag;
  const what = second === undefined ? `F2 of ${first.tag}, counted over all tiles` : "F2, averaged over tiles";
  return html`<p class="headline"><span class="label">${what}</span><strong>${score(metrics.f2)}</strong>
${interval && html`<span class="interval">${score(interval.low)} – ${score(interval.high)} <span class="muted">(${percent(interval.level)} interval, bootstrap)</span></span>`}
<span class="muted">${on}</span></p>`;
}

/** The F2 with the frozen backbone and with the tuned one. */
function finetuneFigure({ finetune }: ReportData): [string, string, string][] {
  if (finetune === undefined) return [];
  const { kept, epochs, f2Before, f2After, mapBefore, mapAfter } = finetune;
  const maps = `mAP ${score(mapBefore)} → ${score(mapAfter)}`;
  const what = kept ? `kept, ${counted(epochs, "epoch")}` : "dropped: the frozen backbone is as good";
  return [["Fine-tuning", `${score(f2Before)} → ${score(f2After)}`, `F2 of unseen tiles; ${maps}; ${what}`]];
}

function renderFigures(data: ReportData): Html {
  const { metrics } = data.score;
  const { training, speed } = data;
  const features = speed.find(({ stage }) => stage === "features");
  const figures = [
    ["mAP", score(metrics.map), `tags with ${metrics.minSupport} or more positives`],
    ["Micro F1", score(metrics.microF1), "over all labels"],
    ["Macro F1", score(metrics.macroF1), "mean over tags"],
    ["Binary accuracy", score(metrics.binaryAccuracy), "share of right labels"],
    ["Tiles", count(training.tiles), counted(metrics.perTag.length, "tag")],
    [
      "Trained in",
      duration(training.seconds),
      features ? `features ${rate(features.count, features.seconds)} tiles/s` : "features from the cache",
    ],
    ...finetuneFigure(data),
  ];
  return html`<dl class="figures">${figures.map(([name, value, note]) => html`<div><dt>${name}</dt><dd>${value} <small>${note}</small></dd></div>`)}</dl>`;
}

function renderFindings(title: string, findings: readonly Finding[]): Html {
  return html`<div><h3>${title}</h3><ul>${findings.map(renderFinding)}</ul></div>`;
}

function renderFinding({ text, link }: Finding): Html {
  return html`<li>${text}${link && html` <a href="#${link}">Show<span class="hidden">: ${text}</span></a>`}</li>`;
}
