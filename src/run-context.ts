/** What every long operation takes besides its own options: how to stop it, and whom to tell how far it is. */

export interface ProgressState {
  /** What is being done now, in one or two words: "features", "predict", "head". */
  stage: string;
  done: number;
  /** Absent while the total is not known (streams). */
  total?: number;
  rejected: number;
  /** What `done` counts. @default "tiles" */
  unit?: string;
}

export interface RunContext {
  /** Aborting asks for a clean stop: what is done is flushed, then InterruptedError is thrown. */
  signal?: AbortSignal;
  /** Called often: whoever prints has to choose. */
  onProgress?: (state: ProgressState) => void;
  /** Called once for each thing the user should know but that stops nothing. */
  onWarning?: (message: string) => void;
  /** Called once for each thing that was recognised rather than told, so that the user can see that it is what was meant. */
  onNotice?: (message: string) => void;
}
