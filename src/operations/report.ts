/** `canopy report`: renders the HTML report of a trained model again, from the data in its folder. */
import { checkKinds, type OptionKinds } from "../check.js";
import type { WrittenReport } from "../report/store.js";

export interface ReportOptions {
  /** MODEL_DIR, as `canopy train --out` wrote it. */
  model: string;
}

const OPTIONS: OptionKinds<ReportOptions> = { model: "string" };

/**
 * Renders `report.html` in a model's folder again from its `report.json`; needs neither tiles nor backbone.
 *
 * @throws InputError if the folder has no report data, FormatError if they are damaged or of another version
 */
export async function report(options: ReportOptions): Promise<WrittenReport> {
  checkKinds(options, OPTIONS);
  // Loading the chart library takes longer than everything else the command line needs.
  const { rewriteReport } = await import("../report/store.js");
  return rewriteReport(options.model);
}
