/** Why a remote file cannot be read. */
import { CanopyError, InterruptedError } from "../errors.js";

/** A remote file cannot be read, now or at all. */
export class RemoteError extends CanopyError {
  override readonly name = "RemoteError";
  /** Without the file's address. */
  readonly reason: string;
  /** Whether another try may help. */
  readonly isPassing: boolean;
  /** Whether there was no answer, which says nothing about this file. */
  readonly isUnreachable: boolean;
  /** What the server asks to wait, in milliseconds. */
  readonly wait: number;
  constructor(address: string, reason: string, { isPassing = false, isUnreachable = false, wait = 0 } = {}) {
    super("INPUT", `${address} cannot be read: ${reason}.`);
    this.reason = reason;
    this.isPassing = isPassing;
    this.isUnreachable = isUnreachable;
    this.wait = wait;
  }
}

/** How `fetch` and the reading of its body fail. */
export function unreachable(address: string, cause: unknown, signal: AbortSignal): Error {
  if (signal.aborted && signal.reason instanceof InterruptedError) return signal.reason;
  const { code, message } = ((cause as Error).cause ?? cause) as NodeJS.ErrnoException;
  const how = signal.aborted ? "its server says nothing any more" : `the connection failed (${code ?? message})`;
  return new RemoteError(address, how, { isPassing: true, isUnreachable: true });
}

/** Of an answer that is no success. `advice` begins with a semicolon. */
export function refused(address: string, { status, headers }: Response, advice = ""): RemoteError {
  const words = { 401: "it needs a password or a signature", 403: "it may not be read", 404: "there is no such file" };
  const reason = (words as Record<number, string>)[status] ?? "its server refuses";
  const isPassing = status === 408 || status === 429 || status >= 500;
  const seconds = Number(headers.get("retry-after") ?? 0);
  const wait = Number.isFinite(seconds) ? Math.min(60, Math.max(0, seconds)) * 1000 : 0;
  return new RemoteError(address, `${reason} (status ${status})${advice}`, { isPassing, wait });
}
