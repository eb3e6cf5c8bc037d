/** One request for the bytes of a remote file from a place on. Trying again is for the caller. */
import { isObject, reveal } from "./address.js";
import { locateObject, objectAdvice } from "./object-store.js";
import { RemoteError, refused, unreachable } from "./request-error.js";

/** What tells one state of a file from another. */
export interface RemoteState {
  /** Undefined if the server does not say it. */
  size: number | undefined;
  /** A strong ETag, or the time of modification; undefined if the server says neither. */
  tag: string | undefined;
}

export interface RemoteBody {
  state: RemoteState;
  /** Where the bytes begin: a server that knows no ranges begins at 0. */
  from: number;
  bytes: AsyncIterator<Uint8Array>;
}

/** Bytes `[from, end)` of the file at `address`, which must still be in the state `before`. Throws a RemoteError. */
export async function request(
  address: string,
  from: number,
  before: RemoteState | undefined,
  signal: AbortSignal,
): Promise<RemoteBody> {
  const { url, headers } = isObject(address) ? await locateObject(address) : reveal(address);
  const asked = {
    ...headers,
    range: `bytes=${from}-`,
    // Otherwise lengths and places would be those of compressed bytes.
    "accept-encoding": "identity",
    ...(before?.tag?.startsWith('"') && { "if-match": before.tag }),
  };
  // A redirection would take the session's token along to another server.
  const redirect = isObject(address) ? "manual" : "follow";
  const response = await fetch(url, { headers: asked, signal, redirect }).catch((cause) => {
    throw unreachable(address, cause, signal);
  });
  const body = response.body?.[Symbol.asyncIterator]() ?? nothing();
  const answer = takeAnswer(address, response, from);
  // What comes with such an answer is a text about it.
  if (response.status === 416) await body.return?.(undefined);
  if (answer instanceof RemoteError) {
    await body.return?.(undefined);
    throw answer;
  }
  if (before !== undefined && isOther(before, answer.state)) {
    await body.return?.(undefined);
    throw changed(address);
  }
  return { ...answer, bytes: response.status === 416 ? nothing() : body };
}

async function* nothing(): AsyncGenerator<Uint8Array> {}

function takeAnswer(address: string, response: Response, from: number): Omit<RemoteBody, "bytes"> | RemoteError {
  const { status, headers } = response;
  const [, start, total] = /^bytes (?:(\d+)-\d+|\*)\/(\d+|\*)$/.exec(headers.get("content-range") ?? "") ?? [];
  const etag = headers.get("etag");
  const tag = (etag?.startsWith('"') ? etag : headers.get("last-modified")) ?? undefined;
  const size = total === undefined || total === "*" ? undefined : Number(total);
  if (!["identity", null].includes(headers.get("content-encoding")))
    return new RemoteError(address, "its server compresses what it sends, and places in it cannot be asked for");
  if (status === 206 && Number(start) === from) return { state: { size, tag }, from };
  if (status === 200) {
    const length = headers.get("content-length");
    return { state: { size: length === null ? undefined : Number(length), tag }, from: 0 };
  }
  // Behind the end, or at the start of an empty file.
  if (status === 416 && size !== undefined && size <= from) return { state: { size, tag }, from };
  if (status === 412) return changed(address);
  if (status === 206)
    return new RemoteError(address, "its server answers with another part of it", { isPassing: true });
  return refused(address, response, isObject(address) ? objectAdvice(address, response) : "");
}

export function changed(address: string): RemoteError {
  return new RemoteError(address, "it has changed since it was read first");
}

export function isOther(before: RemoteState, now: RemoteState): boolean {
  const differs = <T>(a: T | undefined, b: T | undefined) => a !== undefined && b !== undefined && a !== b;
  return differs(before.size, now.size) || differs(before.tag, now.tag);
}
