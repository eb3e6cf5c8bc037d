/** The one-file build of ECharts loads several times faster than its modules; its types are those of the package. */
declare module "echarts/dist/echarts.esm.min.mjs" {
  export * from "echarts";
}
