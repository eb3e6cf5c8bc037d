/** Errors of the system when writing, as sentences. */
import { CanopyError } from "../errors.js";

/** Problem and remedy by the system's code. */
const REFUSALS: Readonly<Record<string, readonly [problem: string, remedy: string]>> = {
  ENOSPC: ["No space is left on the disk", "Make room"],
  EDQUOT: ["The disk quota is used up", "Make room"],
  EFBIG: ["The limit for the size of a file is reached (ulimit -f)", "Raise it"],
  EIO: ["The disk failed (EIO)", "Check it"],
  EROFS: ["The file system is read-only", "Name another place"],
  EACCES: ["Permission is denied", "Change the permissions"],
  EPERM: ["Permission is denied", "Change the permissions"],
  EMFILE: ["Too many files are open (ulimit -n)", "Raise the limit"],
  ENFILE: ["Too many files are open on this machine", "Close some"],
  ENOENT: ["Its folder is gone", "Make it"],
  ENOTDIR: ["Its folder is not a folder", "Name another place"],
  EISDIR: ["A folder is in its place", "Name another place"],
  ENAMETOOLONG: ["Its name is too long", "Name another one"],
};

const FULL = ["ENOSPC", "EDQUOT", "EFBIG"];

/** A file that could not be written. `code` is DISK_FULL or WRITE. */
export class WriteError extends CanopyError {
  override readonly name = "WriteError";
  readonly path: string;
  /**
   * The system's own code. Errors lose their class between threads; path and this code are enough to make the same
   * error again.
   */
  readonly systemCode: string;
  /** What was wrong, without its end: "No space is left on the disk". */
  readonly problem: string;
  readonly #remedy: string;

  constructor(path: string, systemCode: string, options?: ErrorOptions) {
    const [problem, remedy] = REFUSALS[systemCode] ?? [`The system refused (${systemCode})`, "See to it"];
    super(
      FULL.includes(systemCode) ? "DISK_FULL" : "WRITE",
      sentence(path, problem, `${remedy} and try again`),
      options,
    );
    this.path = path;
    this.systemCode = systemCode;
    this.problem = problem;
    this.#remedy = remedy;
  }

  /** The same for an operation that can be resumed. */
  pointToResume(): void {
    this.message = sentence(
      this.path,
      this.problem,
      `What was done before is safe: ${this.#remedy.charAt(0).toLowerCase()}${this.#remedy.slice(1)}, then go on with \`resume\``,
    );
  }
}

function sentence(path: string, problem: string, advice: string): string {
  return `${problem}: ${path} could not be written. ${advice}.`;
}

/** For `catch` around writing `path`: errors of the system become a WriteError, others stay as they are. */
export function explainWriteError(error: unknown, path: string): unknown {
  const { code, syscall } = error as NodeJS.ErrnoException;
  if (error instanceof CanopyError || code === undefined || syscall === undefined) return error;
  return new WriteError(path, code, { cause: error });
}

/** For `catch` around work that can be resumed. */
export function pointToResume(error: unknown): never {
  if (error instanceof WriteError) error.pointToResume();
  throw error;
}
