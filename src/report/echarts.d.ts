/** The one-file build of ECharts loads several times faster than its modules and has the package's types. */
declare module "echarts/dist/echarts.esm.min.mjs" {
  export * from "echarts";
}
