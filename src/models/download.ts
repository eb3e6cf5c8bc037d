/** Fetching one file over HTTP into a folder: resumed where it stopped, checked by size and SHA-256, there whole or not at all. */
import { createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { mkdir, rename, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { InterruptedError, ModelError } from "../errors.js";
import type { RunContext } from "../run-context.js";

export interface DownloadRequest {
  url: string;
  /** Where the file ends up; what has come so far lies beside it as `<target>.part`. */
  target: string;
  byteLength: number;
  sha256: string;
  /** What it is, for messages: "the backbone imagenet". */
  what: string;
  /** What to do instead where there is no network, a sentence for messages. */
  otherwise: string;
  /** How many times in a row a connection may break without a byte gained. @default 5 */
  retries?: number;
}

const INTERRUPTED = "Interrupted; what came so far is kept, and pulling again goes on from there.";

/** A connection that could not be made or broke; what came so far stays. */
class ConnectionError extends Error {
  /** False where no server answered at all: without a byte so far, that means offline, and trying again is a waste of time. */
  readonly answered: boolean;
  constructor(message: string, answered: boolean, options?: ErrorOptions) {
    super(message, options);
    this.answered = answered;
  }
}

/**
 * Fetches `request.url` to `request.target`. Goes on from a `.part` of an earlier run where the server allows it. Throws a ModelError
 * for no network, an HTTP error, or a file of the wrong size or hash (which is removed), InterruptedError when `context.signal` aborts.
 */
export async function download(request: DownloadRequest, context: RunContext = {}): Promise<void> {
  const part = `${request.target}.part`;
  await mkdir(dirname(request.target), { recursive: true });
  await fetchWithRetries(request, part, context);
  const problem = await findProblem(part, request);
  if (problem !== undefined) {
    await rm(part, { force: true });
    throw new ModelError(
      `What ${request.url} gave is not ${request.what}: ${problem}. It was removed; the source may have changed.`,
    );
  }
  await rename(part, request.target);
}

async function fetchWithRetries(request: DownloadRequest, part: string, context: RunContext): Promise<void> {
  for (let failures = 0; ; ) {
    const before = await lengthOf(part);
    try {
      return await fetchRest(request, part, context);
    } catch (error) {
      if (context.signal?.aborted) throw new InterruptedError(INTERRUPTED);
      if (!(error instanceof ConnectionError)) throw error;
      const have = await lengthOf(part);
      failures = have > before ? 0 : failures + 1;
      if ((have === 0 && !error.answered) || failures > (request.retries ?? 5)) throw unreachable(request, have, error);
      await sleep(Math.min(8000, 100 * 2 ** failures));
    }
  }
}

/** One request for the bytes that are still missing. */
async function fetchRest(request: DownloadRequest, part: string, context: RunContext): Promise<void> {
  const have = await lengthOf(part);
  if (have >= request.byteLength) return;
  const response = await connect(request, have, context);
  const start = response.status === 206 ? startOf(response) : 0;
  if (!response.ok || response.body === null || (start !== 0 && start !== have)) {
    await response.body?.cancel();
    const answer = `${response.status} ${response.statusText}`.trimEnd();
    throw new ModelError(`${request.url} answered ${answer}; ${request.otherwise}`);
  }
  let done = start;
  const count = async function* (chunks: AsyncIterable<Buffer>) {
    for await (const chunk of chunks) {
      done += chunk.length;
      yield chunk;
      if (done > request.byteLength) return;
      report(done, request, context);
    }
  };
  const body = Readable.fromWeb(response.body as import("node:stream/web").ReadableStream<Uint8Array>);
  try {
    await pipeline(body, count, createWriteStream(part, { flags: start === 0 ? "w" : "a" }));
  } catch (error) {
    throw isDiskError(error) ? error : new ConnectionError("The connection broke.", true, { cause: error });
  }
  if (done < request.byteLength) throw new ConnectionError(`It ended after ${done} bytes.`, true);
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

/** First byte of a partial response; NaN where it does not say. */
function startOf(response: Response): number {
  return Number(/^bytes (\d+)-/.exec(response.headers.get("content-range") ?? "")?.[1] ?? Number.NaN);
}

async function findProblem(part: string, request: DownloadRequest): Promise<string | undefined> {
  const length = await lengthOf(part);
  if (length < request.byteLength) return `it has ${length} bytes, not ${request.byteLength}`;
  if (length > request.byteLength) return `it has more than the ${request.byteLength} bytes expected`;
  const hash = createHash("sha256");
  await pipeline(createReadStream(part), hash);
  const sha256 = hash.digest("hex");
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

async function lengthOf(path: string): Promise<number> {
  return stat(path).then(
    ({ size }) => size,
    () => 0,
  );
}

function toMegabytes(bytes: number): number {
  return Math.round(bytes / 1e5) / 10;
}

/** A failure of the disk rather than of the network. */
function isDiskError(error: unknown): boolean {
  const codes = ["ENOSPC", "EDQUOT", "EACCES", "EPERM", "EROFS", "EISDIR", "ENOENT", "EIO"];
  return codes.includes((error as NodeJS.ErrnoException).code ?? "");
}
