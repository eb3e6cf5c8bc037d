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

/** The start of a stage. Work done before it (of a resumed run, or cached) took none of its time. */
interface Start {
  stage: string;
  at: number;
  done: number;
}

function startOf({ stage, done }: ProgressState): Start {
  return { stage, at: Date.now(), done };
}

export async function createProgressReporter(options: { quiet: boolean }): Promise<ProgressReporter> {
  if (options.quiet) {
    return { update: () => {}, print: printLine, stop: () => {} };
  }
  return process.stderr.isTTY ? createBar((await import("cli-progress")).default) : createPlainLines();
}

function createBar(library: typeof cliProgress): ProgressReporter {
  let bar: cliProgress.SingleBar | undefined;
  let start: Start | undefined;
  const stop = () => {
    bar?.stop();
    bar = undefined;
  };
  return {
    stop,
    print: (line) => {
      process.stderr.write(`${bar === undefined ? "" : "\r\x1b[K"}${printable(line)}\n`);
    },
    update: (state) => {
      if (bar === undefined || start === undefined || state.stage !== start.stage) {
        stop();
        start = startOf(state);
        bar = newBar(library, state.total);
        bar.start(state.total ?? 0, state.done, payload(state, start));
      }
      if (state.total !== undefined) {
        bar.setTotal(state.total);
      }
      bar.update(state.done, payload(state, start));
    },
  };
}

/** If the total is not known, there is neither a bar nor an estimated time. */
function newBar(library: typeof cliProgress, total: number | undefined): cliProgress.SingleBar {
  const barsize = barWidth(total ?? 0);
  const wide = "{stage} [{bar}] {value}/{total} {unit}  {rate}/s  ETA {left}{rejects}{note}";
  const narrow = "{stage} {value}/{total}  {rate}/s  {left}{rejects}{note}";
  return new library.SingleBar(
    {
      format: total === undefined ? "{stage} {value} {unit}  {rate}/s{rejects}{note}" : barsize === 0 ? narrow : wide,
      stream: process.stderr,
      barsize,
      hideCursor: true,
      clearOnComplete: false,
      barCompleteChar: "=",
      barIncompleteChar: " ",
    },
    library.Presets.legacy,
  );
}

/** What the numbers leave of the terminal's line, at most 40; 0 (no bar) if that is too little to be read. */
function barWidth(total: number): number {
  const left = (process.stderr.columns || 80) - 54 - 2 * String(total).length;
  return left < 8 ? 0 : Math.min(40, left);
}

/** Estimated time left, in the two largest units; `?` as long as nothing tells the speed. */
function timeLeft(left: number, perSecond: number): string {
  const seconds = Math.max(0, Math.round(left / perSecond));
  if (!Number.isFinite(seconds)) return "?";
  if (seconds < 60) return `${seconds}s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m${seconds % 60}s`;
  return `${Math.floor(seconds / 3600)}h${Math.floor((seconds % 3600) / 60)}m`;
}

function payload(state: ProgressState, start: Start) {
  return {
    stage: state.stage.padEnd(9),
    unit: state.unit ?? "tiles",
    rate: showRate(rate(state, start)),
    left: timeLeft((state.total ?? state.done) - state.done, rate(state, start)),
    rejects: state.rejected > 0 ? `  ${state.rejected} rejected` : "",
    note: state.note === undefined ? "" : `  ${state.note}`,
  };
}

function createPlainLines(): ProgressReporter {
  let start: Start | undefined;
  let printedAt = 0;
  return {
    stop: () => {},
    print: printLine,
    update: (state) => {
      const now = Date.now();
      if (start === undefined || state.stage !== start.stage) {
        start = startOf(state);
        printedAt = now;
      } else if (now - printedAt >= PLAIN_INTERVAL * 1000) {
        printedAt = now;
        printLine(plainLine(state, start));
      }
    },
  };
}

function plainLine(state: ProgressState, start: Start): string {
  const total = state.total === undefined ? "" : `/${state.total}`;
  const rejected = state.rejected > 0 ? `, ${state.rejected} rejected` : "";
  const perSecond = rate(state, start);
  const left =
    state.total === undefined || perSecond === 0 ? "" : `, ETA ${Math.round((state.total - state.done) / perSecond)} s`;
  const note = state.note === undefined ? "" : `, ${state.note}`;
  return `${state.stage}: ${state.done}${total} ${state.unit ?? "tiles"}, ${showRate(perSecond)}/s${left}${rejected}${note}`;
}

/** Done each second since `start`. */
function rate({ done }: ProgressState, start: Start): number {
  return (done - start.done) / Math.max(0.001, (Date.now() - start.at) / 1000);
}

function showRate(perSecond: number): string {
  return perSecond >= 100 ? perSecond.toFixed(0) : perSecond.toFixed(1);
}

function printLine(line: string): void {
  process.stderr.write(`${printable(line)}\n`);
}
