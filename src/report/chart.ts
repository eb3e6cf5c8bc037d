/** One chart: an ECharts option in, an SVG out that follows the page's colours and says in words what it shows. */
import type { EChartsOption } from "echarts";
import { init } from "#echarts";
import { escapeHtml, type Html, trusted } from "./html.js";

interface ChartFrame {
  /** Unique within the page. */
  id: string;
  /** What the chart shows, for those who do not see it. */
  label: string;
  /** Pixels at full size; narrower screens scale it down. */
  width: number;
  height: number;
}

/** Colours as the style sheet defines them, so that one SVG serves light and dark. */
export const COLOR = {
  ink: "var(--ink)",
  muted: "var(--muted)",
  grid: "var(--grid)",
  first: "var(--first)",
  second: "var(--second)",
} as const;

export function renderChart(option: EChartsOption, frame: ChartFrame): Html {
  const chart = init(null, null, { renderer: "svg", ssr: true, width: frame.width, height: frame.height });
  try {
    chart.setOption({ animation: false, backgroundColor: "transparent", textStyle: { fontSize: 11 }, ...option });
    return trusted(tidy(chart.renderToSVGString(), frame));
  } finally {
    chart.dispose();
  }
}

/** A value axis in the page's colours. */
export function valueAxis(name: string, more: object = {}): object {
  return {
    type: "value",
    name,
    nameLocation: "middle",
    nameGap: 26,
    nameTextStyle: { color: COLOR.muted, fontSize: 11 },
    axisLine: { show: true, lineStyle: { color: COLOR.grid } },
    axisTick: { show: false },
    axisLabel: { color: COLOR.muted, fontSize: 11, hideOverlap: true },
    splitLine: { lineStyle: { color: COLOR.grid } },
    ...more,
  };
}

/** A line without symbols in one of the page's colours. */
export function lineSeries(name: string, data: number[][], color: string, more: object = {}): object {
  return {
    type: "line",
    name,
    data,
    showSymbol: false,
    silent: true,
    lineStyle: { color, width: 2 },
    itemStyle: { color },
    ...more,
  };
}

/**
 * ECharts numbers ids and classes per process and adds hover styles. Both are removed: the same data give the same
 * bytes, ids stay unique, and the page's style sheet decides the fonts.
 */
function tidy(svg: string, { id, label, width, height }: ChartFrame): string {
  return svg
    .replaceAll(/<style\s*>[\s\S]*?<\/style>/g, "")
    .replaceAll(/ (?:class|style|ecmeta_\w+|pointer-events|version|baseProfile|xmlns(?::\w+)?)="[^"]*"/g, "")
    .replaceAll(/zr\d+-([a-z]+\d+)/g, `${id}-$1`)
    .replace(/<rect [^>]*fill="(?:none|transparent)"[^>]*><\/rect>/, "")
    .replace(
      /^<svg [^>]*>/,
      `<svg class="chart" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${escapeHtml(label)}">`,
    )
    .replaceAll("\n", "");
}
