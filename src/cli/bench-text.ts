/** What benchmarks print on the terminal. */
import type { FinetuneResult } from "../bench/finetune.js";
import type { BenchPredictReport } from "../bench/predict.js";
import type { ContenderResult, PreprocessReport } from "../bench/preprocess-report.js";
import type { StoredResult } from "../bench/stored.js";
import type { BenchTrainReport } from "../bench/train.js";
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
    each.cpu_ms_per_tile.toPrecision(3),
    colours(each),
  ]);
  return formatTable(
    ["contender", "threads", "tiles/s", "middle half", "MB/s", "of ceiling", "CPU ms", "colours off by"],
    rows,
  );
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

export function describePredict(report: BenchPredictReport): string {
  const { tiles, backbone, size, device, runs, predict, machine } = report;
  const best = runs.reduce((one, other) => (other.tiles_per_s > one.tiles_per_s ? other : one));
  const rows = runs.map((run) => [
    String(run.batch_size),
    String(run.workers),
    String(run.sessions),
    whole(run.tiles_per_s),
    `${whole(run.spread[0])}-${whole(run.spread[1])}`,
    whole(run.bare_tiles_per_s),
    run.share.toFixed(2),
    run.cpu_share.toFixed(2),
  ]);
  const header = ["batch", "workers", "sessions", "tiles/s", "middle half", "sessions alone", "share", "of CPU time"];
  return [
    `${tiles} tiles through ${backbone} at ${size} pixels on ${device}; ${machine.cpu}, ${machine.usable_cores} cores`,
    "",
    formatTable(header, rows),
    "",
    ...describePrecisions(report.precisions),
    `canopy predict, files to CSV: ${whole(predict.tiles_per_s)} tiles/s (batch ${predict.batch_size}, ${predict.workers} decode ${predict.workers === 1 ? "worker" : "workers"})`,
    "",
    `Best is batch ${best.batch_size} with ${best.workers} decode ${best.workers === 1 ? "worker" : "workers"}: ${whole(best.tiles_per_s)} tiles/s, ` +
      `${(100 * best.share).toFixed(0)}% of what the sessions do on ready-made tensors.`,
  ].join("\n");
}

function describePrecisions(precisions: BenchPredictReport["precisions"] = []): string[] {
  const [first] = precisions;
  if (first === undefined) return [];
  const rows = precisions.map((each) => [
    each.precision + (each.kernels === "simulated" ? " (simulated)" : ""),
    whole(each.bare_tiles_per_s),
    each.bare_cpu_ms.toPrecision(3),
    `${(first.bare_cpu_ms / each.bare_cpu_ms).toFixed(2)} x`,
    whole(each.predict_tiles_per_s),
    each.predict_cpu_ms.toPrecision(3),
    `${(first.predict_cpu_ms / each.predict_cpu_ms).toFixed(2)} x`,
  ]);
  const header = ["precision", "sessions alone", "CPU ms a tile", "gain", "canopy predict", "CPU ms a tile", "gain"];
  return [formatTable(header, rows), ""];
}

export function describeTrain(report: BenchTrainReport): string {
  const { steps, absent, lbfgs, stored, finetune, extraction, num_features, num_tags, batch_size, machine } = report;
  const rows = [
    ...steps.map(({ stepper, ms_per_step, spread }) => [
      `RMSprop step, batch ${batch_size}, ${stepper}`,
      `${ms_per_step.toPrecision(3)} ms`,
      `${spread[0].toPrecision(3)}-${spread[1].toPrecision(3)}`,
    ]),
    [
      `L-BFGS, ${lbfgs.rows} tiles`,
      `${lbfgs.seconds.toPrecision(3)} s`,
      `${lbfgs.spread[0].toPrecision(3)}-${lbfgs.spread[1].toPrecision(3)}`,
    ],
    [
      "features from files",
      `${whole(extraction.tiles_per_s)} tiles/s`,
      `${whole(extraction.spread[0])}-${whole(extraction.spread[1])}`,
    ],
  ];
  const epoch = 40_479 / batch_size;
  const fastest = steps.reduce((one, other) => (other.ms_per_step < one.ms_per_step ? other : one));
  return [
    `A head of ${num_features} features and ${num_tags} tags; ${machine.cpu}, ${machine.usable_cores} cores`,
    "",
    formatTable(["what", "median", "middle half"], rows),
    ...absent.map(({ name, reason }) => `${name}: ${reason}`),
    ...(stored === undefined ? [] : ["", describeStored(stored)]),
    ...(finetune === undefined ? [] : ["", describeFinetune(finetune)]),
    "",
    `All 40,479 tiles of Planet's set would take ${whole(40_479 / extraction.tiles_per_s / 60)} minutes for features, once, and ` +
      `${((epoch * fastest.ms_per_step) / 1000).toPrecision(2)} s for an epoch (${fastest.stepper}).`,
  ].join("\n");
}

function describeStored({ rows, epochs, seconds, bytes, peak_rss_bytes, f2 }: StoredResult): string {
  return (
    `${rows.toLocaleString("en")} tiles streamed from disk (${(bytes / 2 ** 30).toPrecision(3)} GiB): ${epochs} epochs, thresholds and all in ${whole(seconds)} s, ` +
    `within ${(peak_rss_bytes / 2 ** 30).toPrecision(3)} GiB of memory; F2 ${f2.toFixed(3)} on held-out tiles.`
  );
}

function describeFinetune({ size, batch_size, engines, absent }: FinetuneResult): string {
  const rows = engines.map(({ engine, threads, cpu_ms_per_tile, spread, ms_per_tile, version }) => [
    `${engine} (${version})`,
    String(threads),
    `${cpu_ms_per_tile.toPrecision(3)} ms`,
    `${spread[0].toPrecision(3)}-${spread[1].toPrecision(3)}`,
    `${ms_per_tile.toPrecision(3)} ms`,
  ]);
  return [
    `A step of fine-tuning MobileNetV2 at ${size} pixels, batch ${batch_size}, for each tile`,
    "",
    formatTable(["engine", "threads", "processor time", "middle half", "by the clock"], rows),
    ...absent.map(({ name, reason }) => `${name}: ${reason}`),
  ].join("\n");
}
