/**
 * What can go wrong, as types. Misuse of the library is an OptionError or TypeError (see check.ts); every problem with
 * files, models and devices is a CanopyError that names the file and says what to do.
 */

/** Base of every failure canopy reports. `code` is stable and machine-readable; the message is one sentence for people. */
export class CanopyError extends Error {
  override readonly name: string = "CanopyError";
  readonly code: string;
  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** An option whose value cannot be used, or options that exclude each other. The command line exits with 2. */
export class OptionError extends RangeError {
  override readonly name = "OptionError";
}

/** A file that cannot be read as the CSV, store, checkpoint, manifest, card or ONNX that it should be. */
export class FormatError extends CanopyError {
  override readonly name = "FormatError";
  readonly path: string;
  constructor(path: string, message: string, options?: ErrorOptions) {
    super("FORMAT", message, options);
    this.path = path;
  }
}

/** A model or device that cannot be used: wrong shapes, wrong hash, a provider that is not available. */
export class ModelError extends CanopyError {
  override readonly name = "ModelError";
  constructor(message: string, options?: ErrorOptions) {
    super("MODEL", message, options);
  }
}

/** Inputs that contradict each other or lack something: no tiles, no such column, an output that already exists. */
export class InputError extends CanopyError {
  override readonly name = "InputError";
  /** The file to blame, if there is one. */
  readonly path: string | undefined;
  constructor(message: string, options: ErrorOptions & { path?: string } = {}) {
    super("INPUT", message, options);
    this.path = options.path;
  }
}

/** The run was stopped by the user; everything done so far is on disk. The command line exits with 130. */
export class InterruptedError extends CanopyError {
  override readonly name = "InterruptedError";
  constructor(message = "Interrupted; what was done so far is saved, and `resume` goes on from there.") {
    super("INTERRUPTED", message);
  }
}

/** For `catch` around work that cannot be resumed: gives an interrupt the message `message`. */
export function restateInterrupt(message: string): (error: unknown) => never {
  return (error) => {
    throw error instanceof InterruptedError ? new InterruptedError(message) : error;
  };
}
