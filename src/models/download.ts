/** Downloads one file over HTTP: resumed after an interruption, checked by size and SHA-256, whole or absent. */
import { dirname } from "node:path";
import type { ReadableStream } from "node:stream/web";
import { setTimeout as sleep } from "node:timers/promises";
import { InterruptedError, ModelError } from "../errors.js";
import { Draft } from "../files/draft.js";
import type { FileFacts } from "../files/facts.js";
import { ensureFolder } from "../files/output.js";
import { WriteError } from "../files/write-error.js";
import type { RunContext } from "../run-context.js";

export interface DownloadRequest {
  url: string;
  /** The file to write; until it is whole, it grows beside it as `<target>.canopy-tmp`. */
  target: string;
  byteLength: number;
  sha256: string;
  /** What it is, for messages: "the backbone imagenet". */
  what: string;
  /** What to do instead if there is no network, a sentence for messages. */
  otherwise: string;
  /** How many times in a row a connection may break without a new byte. @default 5 */
  retries?: number;
}

const INTERRUPTED = "Interrupted; what came so far is kept, and pulling again goes on from there.";

/** A connection that failed or broke; the bytes so far are kept. */
class ConnectionError extends Error {
  /** False if no server answered at all: without a byte so far, that means offline, and trying again is a waste of time. */
  readonly answered: boolean;
  constructor(message: string, answered: boolean, options?: ErrorOptions) {
    super(message, options);
    this.answered = answered;
  }
}

/**
 * Fetches `request.url` to `request.target`. Goes on with the bytes of an earlier run if the server allows it. Throws a
 * ModelError for no network, an HTTP error, or a file of the wrong size or hash (which is removed), InterruptedError
 * when `context.signal` aborts.
 */
export async function download(request: DownloadRequest, context: RunContext = {}): Promise<void> {
  await ensureFolder(dirname(request.target));
  const draft = await Draft.resume(request.target);
  try {
    await fetchWithRetries(request, draft, context);
  } catch (error) {
    await draft.keep();
    throw error;
  }
  const problem = findProblem(await draft.finish(), request);
  if (problem !== undefined) {
    await draft.abandon();
    throw new ModelError(
      `What ${request.url} gave is not ${request.what}: ${problem}. It was removed; the source may have changed.`,
    );
  }
  await draft.publish();
}

async function fetchWithRetries(request: DownloadRequest, draft: Draft, context: RunContext): Promise<void> {
  for (let failures = 0; ; ) {
    const before = draft.byteLength;
    try {
      return await fetchRest(request, draft, context);
    } catch (error) {
      if (context.signal?.aborted) throw new InterruptedError(INTERRUPTED);
      if (!(error instanceof ConnectionError)) throw error;
      const have = draft.byteLength;
      failures = have > before ? 0 : failures + 1;
      if ((have === 0 && !error.answered) || failures > (request.retries ?? 5)) throw unreachable(request, have, error);
      await sleep(Math.min(8000, 100 * 2 ** failures));
    }
  }
}

/** One request for the bytes that are still missing. */
async function fetchRest(request: DownloadRequest, draft: Draft, context: RunContext): Promise<void> {
  const have = draft.byteLength;
  if (have >= request.byteLength) return;
  const response = await connect(request, have, context);
  const start = response.status === 206 ? startOf(response) : 0;
  if (!response.ok || response.body === null || (start !== 0 && start !== have)) {
    await response.body?.cancel();
    const answer = `${response.status} ${response.statusText}`.trimEnd();
    throw new ModelError(`${request.url} answered ${answer}; ${request.otherwise}`);
  }
  if (start === 0) await draft.restart();
  await takeBody(response.body, draft, request, context);
  if (draft.byteLength < request.byteLength) {
    throw new ConnectionError(`It ended after ${draft.byteLength} bytes.`, true);
  }
}

/** Writes the body, and stops if it is longer than expected. */
async function takeBody(
  body: ReadableStream<Uint8Array>,
  draft: Draft,
  request: DownloadRequest,
  context: RunContext,
): Promise<void> {
  try {
    for await (const chunk of body) {
      await draft.write(chunk);
      if (draft.byteLength > request.byteLength) return;
      report(draft.byteLength, request, context);
    }
  } catch (error) {
    throw error instanceof WriteError ? error : new ConnectionError("The connection broke.", true, { cause: error });
  }
}

function report(done: number, request: DownloadRequest, context: RunContext): void {
  const total = toMegabytes(request.byteLength);
  context.onProgress?.({ stage: "pull", done: toMegabytes(done), total, rejected: 0, unit: "MB" });
}

async function connect(request: DownloadRequest, have: number, context: RunContext): Promise<Response> {
  try {
    return await fetch(request.url, {
      headers:
        have > 0 ? { range: `bytes=${have}-`, "accept-encoding": "identity" } : { "accept-encoding": "identity" },
      ...(context.signal === undefined ? {} : { signal: context.signal }),
    });
  } catch (cause) {
    throw new ConnectionError("No connection.", false, { cause });
  }
}

/** First byte of a partial response; NaN if it does not say. */
function startOf(response: Response): number {
  return Number(/^bytes (\d+)-/.exec(response.headers.get("content-range") ?? "")?.[1] ?? Number.NaN);
}

function findProblem({ bytes, sha256 }: FileFacts, request: DownloadRequest): string | undefined {
  if (bytes > request.byteLength) return `it has more than the ${request.byteLength} bytes expected`;
  return sha256 === request.sha256 ? undefined : `its SHA-256 is ${sha256}, not ${request.sha256}`;
}

function unreachable(request: DownloadRequest, have: number, cause: Error): ModelError {
  const { host } = new URL(request.url);
  const what = `${request.what} (${toMegabytes(request.byteLength)} MB from ${request.url})`;
  const message =
    have === 0
      ? `No connection to ${host} to fetch ${what}; ${request.otherwise}`
      : `The connection to ${host} keeps breaking while fetching ${what}; what came is kept, and pulling again goes on from there.`;
  return new ModelError(message, { cause });
}

function toMegabytes(bytes: number): number {
  return Math.round(bytes / 1e5) / 10;
}
