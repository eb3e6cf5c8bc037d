/** Turns failures into one sentence on stderr and an exit code, also failures that no code awaits. */
import { CanopyError, InterruptedError, OptionError } from "../errors.js";
import { withFlags } from "./flags.js";
import { printable, printableLine } from "./printable.js";

/** With fewer open files modules cannot be loaded, and Node reports that it does not find them. */
const FEW_FILES = 256;

/** For errors that no command catches, and for streams that fail: no stack trace, and no success if output is lost. */
export function guardProcess(): void {
  process.on("uncaughtException", (error) => {
    reportError(error);
    process.exit();
  });
  // If stderr is closed, nobody wants messages, and the run goes on.
  process.stderr.on("error", () => {});
  let lost: NodeJS.ErrnoException | null = null;
  process.stdout.on("error", (error) => {
    lost = error;
  });
  process.on("exit", (code) => {
    // The event of a write just before the end has not come yet.
    lost ??= process.stdout.errored;
    if (lost === null) return;
    process.stderr.write(`canopy: Standard output could not be written (${lost.code}).\n`);
    if (code === 0 || code === 3) process.exitCode = 1;
  });
}

/**
 * Prints one sentence (and the stack with CANOPY_DEBUG=1) and sets the exit code; with `--json` an object on stdout,
 * too. `resumes`: whether the command has `--resume`.
 */
export function reportError(error: unknown, resumes = false): void {
  process.exitCode = exitCodeOf(error);
  const message = describeError(error, resumes);
  process.stderr.write(`canopy: ${printableLine(message)}\n`);
  printFailure(codeOf(error), message, fileOf(error));
  if (process.env["CANOPY_DEBUG"] === "1" && error instanceof Error) {
    const cause = error.cause === undefined ? "" : `Caused by: ${String(error.cause)}\n`;
    process.stderr.write(printable(`${error.stack}\n${cause}`));
  }
}

/** The object that `--json` promises. `file`: the one that could not be read or written, null where there is not one alone. */
export function printFailure(code: string, message: string, file: string | null): void {
  if (!process.argv.includes("--json")) return;
  process.stdout.write(`${JSON.stringify({ error: { code, message, file } })}\n`);
}

function codeOf(error: unknown): string {
  if (error instanceof OptionError) return "USAGE";
  const { code } = error as { code?: unknown };
  return typeof code === "string" ? code : "UNEXPECTED";
}

/** The error's own, or that of the system's error behind it. */
function fileOf(error: unknown): string | null {
  if (!(error instanceof Error)) return null;
  const { path, cause } = error as { path?: unknown; cause?: unknown };
  return typeof path === "string" ? path : fileOf(cause);
}

function exitCodeOf(error: unknown): number {
  if (error instanceof InterruptedError) {
    return 130;
  }
  return error instanceof OptionError ? 2 : 1;
}

function describeError(error: unknown, resumes: boolean): string {
  if (!(error instanceof Error)) {
    return String(error);
  }
  if (error instanceof CanopyError || error instanceof OptionError) {
    return withFlags(error.message);
  }
  const system = error as NodeJS.ErrnoException;
  if (["EMFILE", "ERR_MODULE_NOT_FOUND"].includes(system.code ?? "") && openFiles() < FEW_FILES) {
    return `Only ${openFiles()} files may be open at once (ulimit -n): raise that to ${FEW_FILES} or more.`;
  }
  if (system.syscall === "uv_cwd") {
    return "The current folder is gone, or cannot be read: change to another one.";
  }
  if (system.code === "ENOSPC") {
    return `No space left on the disk${system.path ? ` while writing ${system.path}` : ""}. Make room and run again${resumes ? " with --resume" : ""}.`;
  }
  if (system.code !== undefined && system.syscall !== undefined) {
    return `${system.syscall} failed for ${system.path ?? "a file"}: ${system.message}`;
  }
  return `${error.message} (unexpected; CANOPY_DEBUG=1 shows where)`;
}

/** How many files this process may open; infinite if there is no limit. */
function openFiles(): number {
  const { userLimits } = process.report.getReport() as { userLimits?: { open_files?: { soft: number | string } } };
  const limit = Number(userLimits?.open_files?.soft);
  return Number.isNaN(limit) ? Infinity : limit;
}
