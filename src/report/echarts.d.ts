/** The one-file build of ECharts: it loads several times faster than its modules, and is all of the package that is published. */
declare module "#echarts" {
  export * from "echarts";
}
