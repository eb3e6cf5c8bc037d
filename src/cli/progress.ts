/** Progress on stderr: a bar on a terminal, otherwise one plain line every few seconds. */
import type cliProgress from "cli-progress";
import type { ProgressState } from "../run-context.js";
import { printable } from "./printable.js";

interface ProgressReporter {
  update: (state: ProgressState) => void;
  /** Prints a line without tearing the bar. */
  print: (line: string) => void;
  stop: () => void;
}

/** Seconds between plain lines. */
const PLAIN_INTERVAL = 5;
/** Seconds without anything new after which a line says so. */
const STILL = 3;

/** A stage as it goes. Work done before its start (of a resumed run, or cached) took none of its time. */
interface Stage {
  name: string;
  startedAt: number;
  startedWith: number;
  /** When `done` last changed. */
  movedAt: number;
  last: ProgressState;
}

/** Whether `state` is of `stage`, rather than of another one, or of the same once more after its end. */
function isOf(state: ProgressState, stage: Stage | undefined): stage is Stage {
  if (stage === undefined || stage.name !== state.stage) return false;
  const { done, total } = stage.last;
  return done !== total || state.done >= done;
}

/** `stage` after `state`. */
function follow(stage: Stage | undefined, state: ProgressState): Stage {
  const now = Date.now();
  if (!isOf(state, stage)) {
    return { name: state.stage, startedAt: now, startedWith: state.done, movedAt: now, last: state };
  }
  return { ...stage, movedAt: state.done === stage.last.done ? stage.movedAt : now, last: state };
}

export async function createProgressReporter(options: { quiet: boolean }): Promise<ProgressReporter> {
  if (options.quiet) {
    return { update: () => {}, print: printLine, stop: () => {} };
  }
  return process.stderr.isTTY ? createBar((await import("cli-progress")).default) : createPlainLines();
}

function createBar(library: typeof cliProgress): ProgressReporter {
  let bar: cliProgress.SingleBar | undefined;
  let stage: Stage | undefined;
  const redraw = () => {
    if (stage !== undefined) bar?.update(stage.last.done, { stage });
  };
  const timer = everySecond(redraw);
  const end = () => {
    bar?.stop();
    bar = undefined;
  };
  return {
    stop: () => {
      clearInterval(timer);
      end();
    },
    print: (line) => {
      process.stderr.write(`${bar === undefined ? "" : "\r\x1b[K"}${printable(line)}\n`);
    },
    update: (state) => {
      const isNext = !isOf(state, stage);
      stage = follow(stage, state);
      if (bar === undefined || isNext) {
        end();
        bar = newBar(library);
        bar.start(state.total ?? 0, state.done, { stage });
      }
      if (state.total !== undefined) {
        bar.setTotal(state.total);
      }
      redraw();
    },
  };
}

/** Also when nothing happens that could be told. */
function everySecond(act: () => void): NodeJS.Timeout {
  return setInterval(act, 1000).unref();
}

function newBar(library: typeof cliProgress): cliProgress.SingleBar {
  return new library.SingleBar(
    {
      format: (_options, _params, { stage }: { stage: Stage }) => barLine(stage, process.stderr.columns || 80),
      stream: process.stderr,
      hideCursor: true,
      clearOnComplete: false,
    },
    library.Presets.legacy,
  );
}

/** A bar of at most 40 columns; fewer than 8 cannot be read. */
const BAR = { most: 40, least: 8 };

/** The line for a terminal of so many columns: what there is no room for is left out. */
function barLine(stage: Stage, columns: number): string {
  const { last } = stage;
  const { done, total, rejected, unit = "tiles", note } = last;
  const name = last.stage.padEnd(9);
  const count = total === undefined ? `${done}` : `${done}/${total}`;
  const still = describeStill(stage);
  // Without a total there is neither a bar nor an estimated time.
  const eta = total === undefined ? "" : `  ETA ${timeLeft(total - done, rate(stage))}`;
  const speed = `  ${showRate(rate(stage))}/s${still === undefined ? eta : `  ${still}`}`;
  const more = `${rejected > 0 ? `  ${rejected} rejected` : ""}${note === undefined ? "" : `  ${note}`}`;
  const room = columns - `${name} [] ${count} ${unit}${speed}${more}`.length;
  // In steps, so that it keeps its width while numbers grow.
  const width = Math.min(BAR.most, room - (room % BAR.least));
  const bar = total === undefined || width < BAR.least ? [] : [`${name} [${drawBar(done / total, width)}] `];
  const lines = [
    ...bar.map((start) => `${start}${count} ${unit}${speed}${more}`),
    `${name} ${count} ${unit}${speed}${more}`,
    `${name} ${count}${speed}${more}`,
    `${name} ${count}${speed}`,
  ];
  return lines.find((line) => line.length <= columns) ?? lines[lines.length - 1].slice(0, columns);
}

function drawBar(share: number, width: number): string {
  return "=".repeat(Math.min(width, Math.round((share || 0) * width))).padEnd(width);
}

/** Estimated time left, in the two largest units; `?` as long as nothing tells the speed. */
function timeLeft(left: number, perSecond: number): string {
  const seconds = Math.max(0, Math.round(left / perSecond));
  if (!Number.isFinite(seconds)) return "?";
  if (seconds < 60) return `${seconds}s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m${seconds % 60}s`;
  return `${Math.floor(seconds / 3600)}h${Math.floor((seconds % 3600) / 60)}m`;
}

/** While its count stands still: what is counted has yet to come, or is all there, and what follows is on. */
function describeStill({ last: { done, total }, movedAt }: Stage): string | undefined {
  const seconds = Math.floor((Date.now() - movedAt) / 1000);
  if (seconds < STILL) return undefined;
  return `${done === total ? "finishing" : "waiting"} for ${seconds}s`;
}

function createPlainLines(): ProgressReporter {
  let stage: Stage | undefined;
  let printedAt = 0;
  const print = () => {
    const now = Date.now();
    if (stage === undefined || now - printedAt < PLAIN_INTERVAL * 1000) return;
    printedAt = now;
    printLine(plainLine(stage));
  };
  const timer = everySecond(print);
  return {
    stop: () => clearInterval(timer),
    print: printLine,
    update: (state) => {
      if (!isOf(state, stage)) printedAt = Date.now();
      stage = follow(stage, state);
      print();
    },
  };
}

function plainLine(stage: Stage): string {
  const { last } = stage;
  const unit = last.unit ?? "tiles";
  const total = last.total === undefined ? "" : `/${last.total}`;
  const rejected = last.rejected > 0 ? `, ${last.rejected} rejected` : "";
  const perSecond = rate(stage);
  const seconds = last.total === undefined || perSecond === 0 ? null : (last.total - last.done) / perSecond;
  const still = describeStill(stage);
  const eta = seconds === null ? "" : `, ETA ${Math.round(seconds)} s`;
  const left = still === undefined ? eta : `, ${still}`;
  const note = last.note === undefined ? "" : `, ${last.note}`;
  return `${last.stage}: ${last.done}${total} ${unit}, ${showRate(perSecond)}/s${left}${rejected}${note}`;
}

/** Done each second since the stage's start. */
function rate({ last, startedAt, startedWith }: Stage): number {
  return (last.done - startedWith) / Math.max(0.001, (Date.now() - startedAt) / 1000);
}

function showRate(perSecond: number): string {
  return perSecond >= 100 ? perSecond.toFixed(0) : perSecond.toFixed(1);
}

function printLine(line: string): void {
  process.stderr.write(`${printable(line)}\n`);
}
