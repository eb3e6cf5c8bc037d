/** A server on loopback that fails as servers do. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { PATIENCE } from "../../src/remote/patience.js";

PATIENCE.firstWait = 1;
// Longer than a busy machine keeps this process, in which the server is, too, from its work.
PATIENCE.silence = 60_000;

export interface Asked {
  url: string;
  range: string | undefined;
  authorization: string | undefined;
  /** Bytes of the file that were sent. */
  sent: number;
}

export interface Flaws {
  /** Instead of an answer to request number `n`, from 0. */
  answer?: (n: number, response: ServerResponse, request: IncomingMessage) => boolean;
  /** After so many bytes of each answer the connection is cut. */
  cut?: number;
  /** Each answer ends well after so many bytes, whatever was asked for. */
  most?: number;
  /** If-Match is not looked at. */
  careless?: boolean;
  ranges?: boolean;
  etag?: (n: number) => string | undefined;
  /** What is said in place of the true length. */
  length?: (rest: number) => number;
}

export interface TestServer {
  url: string;
  asked: Asked[];
  flaws: Flaws;
}

/** Serves `files` by path. */
export async function serve(
  t: { after(fn: () => void): void },
  files: Readonly<Record<string, Buffer>>,
  flaws: Flaws = {},
): Promise<TestServer> {
  const state: TestServer = { url: "", asked: [], flaws };
  const server = createServer((request, response) => answer(state, files, request, response));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  state.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return state;
}

function answer(
  { asked, flaws }: TestServer,
  files: Readonly<Record<string, Buffer>>,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const { url = "", headers } = request;
  const n = asked.length;
  const noted: Asked = { url, range: headers.range, authorization: headers.authorization, sent: 0 };
  asked.push(noted);
  if (flaws.answer?.(n, response, request)) return;
  const file = files[decodeURI(new URL(url, "http://x").pathname)];
  if (file === undefined) return void response.writeHead(404).end("no");
  const etag = (flaws.etag ?? (() => '"one"'))(n);
  const expected = flaws.careless ? undefined : headers["if-match"];
  if (expected !== undefined && expected !== etag) return void response.writeHead(412).end();
  const from = flaws.ranges === false ? 0 : Number(/^bytes=(\d+)-$/.exec(headers.range ?? "")?.[1] ?? 0);
  if (headers.range !== undefined && flaws.ranges !== false && from >= file.length) {
    return void response.writeHead(416, { "content-range": `bytes */${file.length}` }).end("behind the end");
  }
  const rest = file.subarray(from, from + (flaws.most ?? file.length));
  if (etag !== undefined) response.setHeader("etag", etag);
  response.setHeader("content-length", (flaws.length ?? ((length) => length))(rest.length));
  if (flaws.ranges !== false)
    response.setHeader("content-range", `bytes ${from}-${from + rest.length - 1}/${file.length}`);
  response.writeHead(flaws.ranges === false ? 200 : 206);
  const part = rest.subarray(0, flaws.cut ?? rest.length);
  noted.sent = part.length;
  response.write(part, () => (part.length < rest.length ? response.destroy() : response.end()));
}
