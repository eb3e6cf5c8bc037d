/** What every long operation takes besides its own options: a signal to stop it, and callbacks. */

export interface ProgressState {
  /** What is being done now, in one or two words: "features", "predict", "head". */
  stage: string;
  done: number;
  /** Absent while the total is not known (streams). */
  total?: number;
  rejected: number;
  /** What `done` counts. @default "tiles" */
  unit?: string;
  /** How well it goes: a loss, a score. */
  note?: string;
}

export interface RunContext {
  /** Aborting stops it cleanly: finished work is flushed, then InterruptedError is thrown. */
  signal?: AbortSignal;
  /** Called often: do not print every call. */
  onProgress?: (state: ProgressState) => void;
  /** Called once for each problem that does not stop the operation. */
  onWarning?: (message: string) => void;
  /** Called once for each thing that canopy recognised by itself, so that the user can check it. */
  onNotice?: (message: string) => void;
}

/** `context` for steps that may say the same: each warning and notice once. */
export function tellOnce({ onWarning, onNotice, ...context }: RunContext): RunContext {
  return {
    ...context,
    ...(onWarning && { onWarning: onceEach(onWarning) }),
    ...(onNotice && { onNotice: onceEach(onNotice) }),
  };
}

/** `tell`, for each message once. */
export function onceEach(tell: (message: string) => void): (message: string) => void {
  const told = new Set<string>();
  return (message) => {
    if (!told.has(message)) tell(message);
    told.add(message);
  };
}
