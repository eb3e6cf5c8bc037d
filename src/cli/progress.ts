/** Progress on stderr: a bar where it is a terminal, one plain line every few seconds where it is not. */
import cliProgress from "cli-progress";
import type { ProgressState } from "../run-context.js";

export interface ProgressReporter {
  update: (state: ProgressState) => void;
  /** Prints a line without tearing the bar. */
  print: (line: string) => void;
  stop: () => void;
}

/** Seconds between plain lines. */
const PLAIN_INTERVAL = 5;

export function createProgressReporter(options: { quiet: boolean }): ProgressReporter {
  if (options.quiet) {
    return { update: () => {}, print: printLine, stop: () => {} };
  }
  return process.stderr.isTTY ? createBar() : createPlainLines();
}

function createBar(): ProgressReporter {
  let bar: cliProgress.SingleBar | undefined;
  let stage = "";
  let startedAt = 0;
  const stop = () => {
    bar?.stop();
    bar = undefined;
  };
  return {
    stop,
    print: (line) => {
      process.stderr.write(bar === undefined ? `${line}\n` : `\r\x1b[K${line}\n`);
    },
    update: (state) => {
      if (bar === undefined || state.stage !== stage) {
        stop();
        stage = state.stage;
        startedAt = Date.now();
        bar = newBar();
        bar.start(state.total ?? 0, state.done, payload(state, startedAt));
      }
      if (state.total !== undefined) {
        bar.setTotal(state.total);
      }
      bar.update(state.done, payload(state, startedAt));
    },
  };
}

function newBar(): cliProgress.SingleBar {
  return new cliProgress.SingleBar(
    {
      format: "{stage} [{bar}] {value}/{total} {unit}  {rate}/s  ETA {eta_formatted}{rejects}{parts}",
      stream: process.stderr,
      hideCursor: true,
      clearOnComplete: false,
      barCompleteChar: "=",
      barIncompleteChar: " ",
    },
    cliProgress.Presets.legacy,
  );
}

function payload(state: ProgressState, startedAt: number) {
  return {
    stage: state.stage.padEnd(9),
    unit: state.unit ?? "tiles",
    rate: rate(state.done, startedAt),
    rejects: state.rejected > 0 ? `  ${state.rejected} rejected` : "",
    parts: state.parts === undefined ? "" : `  ${describeParts(state.parts)}`,
  };
}

function createPlainLines(): ProgressReporter {
  let stage = "";
  let startedAt = 0;
  let printedAt = 0;
  return {
    stop: () => {},
    print: printLine,
    update: (state) => {
      const now = Date.now();
      if (state.stage !== stage) {
        stage = state.stage;
        startedAt = now;
        printedAt = now;
      } else if (now - printedAt >= PLAIN_INTERVAL * 1000) {
        printedAt = now;
        printLine(plainLine(state, startedAt));
      }
    },
  };
}

function plainLine(state: ProgressState, startedAt: number): string {
  const total = state.total === undefined ? "" : `/${state.total}`;
  const rejected = state.rejected > 0 ? `, ${state.rejected} rejected` : "";
  const parts = state.parts === undefined ? "" : `, ${describeParts(state.parts)}`;
  const seconds = (Date.now() - startedAt) / 1000;
  const left =
    state.total === undefined
      ? ""
      : `, ETA ${Math.round(((state.total - state.done) * seconds) / Math.max(1, state.done))} s`;
  return `${state.stage}: ${state.done}${total} ${state.unit ?? "tiles"}, ${rate(state.done, startedAt)}/s${left}${rejected}${parts}`;
}

/** `2 decoding, 4 sessions`: threads at work. */
function describeParts({ workers, sessions }: NonNullable<ProgressState["parts"]>): string {
  return `${workers} decoding, ${sessions} ${sessions === 1 ? "session" : "sessions"}`;
}

function rate(done: number, startedAt: number): string {
  const perSecond = done / Math.max(0.001, (Date.now() - startedAt) / 1000);
  return perSecond >= 100 ? perSecond.toFixed(0) : perSecond.toFixed(1);
}

function printLine(line: string): void {
  process.stderr.write(`${line}\n`);
}
