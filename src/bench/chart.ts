/** The chart of `bench preprocess` as a picture of its own: one bar per contender, light or dark as the reader's page is. */
import { COLOR, renderChart, valueAxis } from "../report/chart.js";
import { render } from "../report/html.js";
import type { PreprocessReport } from "./preprocess-report.js";

const WIDTH = 720;
const ROW = 34;

const STYLE =
  "<style>svg{--ink:#1f2328;--muted:#59636e;--grid:#d1d9e0;--first:#1a7f37;--second:#8c959f}" +
  "@media(prefers-color-scheme:dark){svg{--ink:#e6edf3;--muted:#9198a1;--grid:#3d444d;--first:#3fb950;--second:#7d8590}}" +
  "text{font:12px system-ui,sans-serif}</style>";

/** An SVG document; canopy's own bars stand out. */
export function renderContenders(report: PreprocessReport, id: string): string {
  const rows = report.contenders.map(({ name, threads, tiles_per_s }) => {
    const label = `${name}, ${threads} ${threads === 1 ? "thread" : "threads"}`;
    const color = name === "canopy" ? COLOR.first : COLOR.second;
    return { label, value: Math.round(tiles_per_s), itemStyle: { color } };
  });
  const height = rows.length * ROW + 56;
  const chart = renderChart(
    {
      grid: { left: 262, right: 64, top: 8, bottom: 44 },
      xAxis: valueAxis("tiles per second"),
      yAxis: {
        type: "category",
        inverse: true,
        data: rows.map(({ label }) => label),
        axisTick: { show: false },
        axisLine: { lineStyle: { color: COLOR.grid } },
        axisLabel: { color: COLOR.ink, fontSize: 12 },
      },
      series: [
        {
          type: "bar",
          barWidth: 20,
          data: rows.map(({ value, itemStyle }) => ({ value, itemStyle })),
          label: { show: true, position: "right", color: COLOR.ink, fontSize: 12 },
        },
      ],
    },
    { id, label: describe(report), width: WIDTH, height },
  );
  return `${render(chart).replace(/^<svg ([^>]*)>/, `<svg xmlns="http://www.w3.org/2000/svg" $1>${STYLE}`)}\n`;
}

function describe({ contenders }: PreprocessReport): string {
  const parts = contenders.map(({ name, threads, tiles_per_s }) => `${name} (${threads}) ${Math.round(tiles_per_s)}`);
  return `Tiles per second by contender (threads): ${parts.join(", ")}`;
}
