/** The report's charts as ECharts options. */
import type { EChartsOption } from "echarts";
import type { HistoryRow } from "../head/history.js";
import { COLOR, lineSeries, renderChart, valueAxis } from "./chart.js";
import type { Reliability, ReportData, TagSummary } from "./data.js";
import { score } from "./format.js";
import type { Html } from "./html.js";

const HISTORY_POINTS = 300;

/** Histories of fewer rows have symbols at their points. */
const SEPARATE_POINTS = 12;
const LEGEND = {
  top: 0,
  left: 40,
  icon: "roundRect",
  itemWidth: 14,
  itemHeight: 4,
  itemGap: 28,
  textStyle: { color: COLOR.ink },
};

/** F2 beside its baselines: always the same tags, and 0.5 for every tag. */
export function scoreChart({ score: { metrics, interval }, summary }: ReportData): Html {
  const rows = ["Always the same tags", "Threshold 0.5", "Fitted thresholds"];
  const values = [summary.constant.f2, metrics.f2AtHalf, metrics.f2];
  const ends = [...values, interval?.low ?? metrics.f2, interval?.high ?? metrics.f2];
  const dot = (value: number, i: number) => ({
    value: [value, i],
    itemStyle: { color: i === 2 ? COLOR.first : COLOR.muted, opacity: 1 },
    label: { show: true, position: "top", distance: 4, formatter: score(value), color: COLOR.ink, fontSize: 11 },
  });
  const whisker =
    interval === null
      ? []
      : [
          [interval.low, 2],
          [interval.high, 2],
        ];
  const option = {
    grid: { left: 132, right: 16, top: 4, bottom: 36 },
    xAxis: valueAxis("F2", {
      min: Math.max(0, Math.floor(Math.min(...ends) * 10 - 0.5) / 10),
      max: Math.min(1, Math.ceil(Math.max(...ends) * 10 + 0.5) / 10),
    }),
    yAxis: {
      type: "category",
      data: rows,
      axisLine: { lineStyle: { color: COLOR.grid } },
      axisTick: { show: false },
      axisLabel: { color: COLOR.ink, fontSize: 11 },
    },
    series: [
      lineSeries("interval", whisker, COLOR.first, { lineStyle: { color: COLOR.first, width: 5, opacity: 0.45 } }),
      { type: "scatter", silent: true, symbolSize: 9, data: values.map(dot) },
    ],
  } as EChartsOption;
  const spoken = rows.map((row, i) => `${row} ${score(values[i])}`).join("; ");
  return renderChart(option, { id: "score", label: `F2. ${spoken}.`, width: 440, height: 150 });
}

/** Precision over recall with the chosen threshold marked. */
export function precisionRecallChart(tag: TagSummary, column: number, { threshold }: { threshold: number }): Html {
  const chosen = tag.curve.find((point) => point.chosen);
  // Drawn in steps from recall 0, so that the area below is the average precision.
  const curve = [[0, tag.curve[0]?.precision ?? 0], ...tag.curve.map((point) => [point.recall, point.precision])];
  const marked = chosen === undefined ? [] : [[chosen.recall, chosen.precision]];
  const option = {
    grid: { left: 40, right: 10, top: 10, bottom: 38 },
    xAxis: valueAxis("recall", { min: 0, max: 1 }),
    yAxis: valueAxis("precision", { min: 0, max: 1 }),
    series: [
      lineSeries("precision", curve, COLOR.first, { step: "start", areaStyle: { color: COLOR.first, opacity: 0.08 } }),
      {
        type: "scatter",
        silent: true,
        symbolSize: 10,
        z: 5,
        data: marked,
        itemStyle: { color: COLOR.second, opacity: 1, borderColor: "var(--surface)", borderWidth: 2 },
      },
    ],
  } as EChartsOption;
  const where =
    chosen === undefined
      ? ""
      : ` At the chosen threshold ${score(threshold)}: precision ${score(chosen.precision)}, recall ${score(chosen.recall)}.`;
  return renderChart(option, {
    id: `pr${column}`,
    label: `Precision-recall curve of ${tag.tag}.${where}`,
    width: 300,
    height: 200,
  });
}

/** Loss, or F2, by epoch or iteration (`unit`). */
export function historyChart(history: readonly HistoryRow[], kind: "loss" | "f2", unit: string): Html {
  const step = Math.ceil(history.length / HISTORY_POINTS);
  const rows = history.filter((_, i) => i % step === 0 || i === history.length - 1);
  const [name, own, held] =
    kind === "loss" ? (["loss", "loss", "valLoss"] as const) : (["F2 at 0.5", "f2", "valF2"] as const);
  const points = { showSymbol: rows.length <= SEPARATE_POINTS, symbol: "circle", symbolSize: 6 };
  const pointsOf = (key: typeof own | typeof held) =>
    rows.flatMap((row) => (row[key] === null ? [] : [[row.epoch, row[key]]]));
  const [training, heldOut] = [pointsOf(own), pointsOf(held)];
  const option = {
    legend: LEGEND,
    grid: { left: 48, right: 12, top: 26, bottom: 38 },
    xAxis: valueAxis(unit, { min: rows[0]?.epoch, max: rows.at(-1)?.epoch, splitLine: { show: false } }),
    yAxis: valueAxis(name, { scale: true, nameGap: 34 }),
    series: [
      ...(training.length > 0 ? [lineSeries("training", training, COLOR.first, points)] : []),
      ...(heldOut.length > 0 ? [lineSeries("held out", heldOut, COLOR.second, points)] : []),
    ],
  } as EChartsOption;
  const last = rows.at(-1);
  const parts = [["training", own] as const, ["held out", held] as const].flatMap(([part, key]) =>
    last === undefined || last[key] === null ? [] : [`${part} ${score(last[key])}`],
  );
  const spoken = last && parts.length > 0 ? `After ${unit} ${last.epoch}: ${parts.join(", ")}.` : "";
  return renderChart(option, {
    id: `history-${kind}`,
    label: `${name} by ${unit}. ${spoken}`,
    width: 440,
    height: 240,
  });
}

/** Share that is true over probability, with the diagonal it should follow and the number of cells below. */
export function reliabilityChart({ bins, ece }: Reliability): Html {
  const axis = { min: 0, max: 1 };
  const option = {
    legend: { ...LEGEND, data: ["measured", "perfect"] },
    grid: [
      { left: 48, right: 12, top: 26, height: 178 },
      { left: 48, right: 12, top: 222, height: 42 },
    ],
    xAxis: [
      valueAxis("", { ...axis, gridIndex: 0, axisLabel: { show: false } }),
      valueAxis("probability", { ...axis, gridIndex: 1, containShape: false, splitLine: { show: false } }),
    ],
    yAxis: [
      valueAxis("share that is true", { ...axis, gridIndex: 0, nameGap: 34 }),
      valueAxis("cells", {
        gridIndex: 1,
        type: "log",
        min: 1,
        nameGap: 34,
        splitLine: { show: false },
        axisLabel: { show: false },
      }),
    ],
    series: [
      lineSeries(
        "perfect",
        [
          [0, 0],
          [1, 1],
        ],
        COLOR.muted,
        { lineStyle: { color: COLOR.muted, width: 1, type: "dashed" } },
      ),
      lineSeries(
        "measured",
        bins.map((bin) => [bin.meanProbability, bin.share]),
        COLOR.first,
        { showSymbol: true, symbol: "circle", symbolSize: 7 },
      ),
      {
        type: "bar",
        silent: true,
        xAxisIndex: 1,
        yAxisIndex: 1,
        barWidth: 24,
        itemStyle: { color: COLOR.first, opacity: 0.5 },
        data: bins.map((bin) => [(bin.low + bin.high) / 2, bin.count]),
      },
    ],
  } as EChartsOption;
  return renderChart(option, {
    id: "reliability",
    label: `Reliability diagram. Expected calibration error ${score(ece)}.`,
    width: 440,
    height: 304,
  });
}

/**
 * Of the tiles with the row's tag, the share that also has the column's. `counts` is `[tags, tags]`; `columns` are the
 * tags to show.
 */
export function coOccurrenceChart(
  id: string,
  label: string,
  tags: readonly string[],
  counts: readonly number[],
  columns: readonly number[],
): Html {
  const names = columns.map((column) => shorten(tags[column]));
  const cells = columns.flatMap((row, y) =>
    columns.map((column, x) => [x, y, shareOf(counts, tags.length, row, column)]),
  );
  const category = (more: object) => ({
    type: "category",
    data: names,
    axisLine: { show: false },
    axisTick: { show: false },
    splitArea: { show: false },
    axisLabel: { color: COLOR.ink, fontSize: 11, interval: 0, ...more },
  });
  const side = 19 * names.length;
  const option = {
    grid: { left: 136, top: 112, width: side, height: side },
    xAxis: { ...category({ rotate: 60 }), position: "top" },
    yAxis: { ...category({}), inverse: true },
    visualMap: { show: false, min: 0, max: 1, inRange: { opacity: [0.04, 1] } },
    series: [
      {
        type: "heatmap",
        silent: true,
        data: cells,
        itemStyle: { color: COLOR.first, borderColor: "var(--surface)", borderWidth: 1 },
      },
    ],
  } as EChartsOption;
  return renderChart(option, { id, label, width: 136 + side + 44, height: 112 + side + 8 });
}

/** The share of row-tag tiles that have the column's tag; 0 if no tile has the row's. */
function shareOf(counts: readonly number[], width: number, row: number, column: number): number {
  const total = counts[row * width + row];
  return total === 0 ? 0 : counts[row * width + column] / total;
}

function shorten(tag: string): string {
  return tag.length > 20 ? `${tag.slice(0, 19)}…` : tag;
}
