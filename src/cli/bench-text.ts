/** What benchmarks print on the terminal. */
import type { ContenderResult, PreprocessReport } from "../bench/preprocess-report.js";
import { formatTable } from "./table.js";

export function describePreprocess(report: PreprocessReport): string {
  const { tiles, size, bytes_per_tile, unfit, absent, versions, machine, generated } = report;
  const kind = generated ? "generated tiles" : "tiles";
  const leftOut = unfit === 0 ? "" : `; ${unfit} left out (no JPEG, or broken)`;
  return [
    `${tiles} ${kind} of ${(bytes_per_tile / 1000).toFixed(1)} kB on average, to ${size} pixels${leftOut}`,
    `${machine.cpu}, ${machine.usable_cores} cores; ${Object.entries(versions)
      .map(([name, version]) => `${name} ${version}`)
      .join(", ")}`,
    "",
    stageTable(report),
    "",
    contenderTable(report),
    ...absent.map(({ name, reason }) => `${name}: ${reason}`),
    "",
    verdict(report),
  ].join("\n");
}

function stageTable({ stages }: PreprocessReport): string {
  const rows = stages.map(({ stage, us_per_tile, tiles_per_s, mb_per_s, spread }) => [
    stage === "addon" ? "whole addon" : stage === "pipeline" ? "whole pipeline, 1 worker" : `  ${stage}`,
    whole(us_per_tile),
    whole(tiles_per_s),
    whole(mb_per_s),
    `${whole(spread[0])}-${whole(spread[1])}`,
  ]);
  return formatTable(["stage", "us/tile", "tiles/s", "MB/s", "middle half"], rows);
}

function contenderTable({ contenders }: PreprocessReport): string {
  const rows = contenders.map((each) => [
    each.name,
    String(each.threads),
    whole(each.tiles_per_s),
    `${whole(each.spread[0])}-${whole(each.spread[1])}`,
    whole(each.mb_per_s),
    `${(100 * each.share_of_ceiling).toFixed(0)}%`,
    colours(each),
  ]);
  return formatTable(["contender", "threads", "tiles/s", "middle half", "MB/s", "of ceiling", "colours off by"], rows);
}

function colours({ mean_abs_error }: ContenderResult): string {
  if (mean_abs_error === null) return "-";
  return mean_abs_error === 0 ? "0" : mean_abs_error.toFixed(2);
}

function verdict({ share_of_ceiling, scaling, workers, contenders }: PreprocessReport): string {
  const best = workers.reduce((one, other) => (other.tiles_per_s > one.tiles_per_s ? other : one));
  const sharp = contenders.find(({ name }) => name === "sharp");
  const times = sharp === undefined ? "" : `, ${(best.tiles_per_s / sharp.tiles_per_s).toFixed(0)} times sharp`;
  return (
    `One worker runs at ${(100 * share_of_ceiling).toFixed(0)}% of libjpeg-turbo's bare decode loop; ` +
    `${best.workers} at ${whole(best.tiles_per_s)} tiles/s, ${scaling.toFixed(2)} times one${times}.`
  );
}

function whole(value: number): string {
  return value >= 100 ? Math.round(value).toLocaleString("en") : value.toPrecision(3);
}
