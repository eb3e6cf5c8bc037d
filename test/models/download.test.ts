import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { dirname, join } from "node:path";
import { type TestContext, test } from "node:test";
import { InterruptedError, ModelError } from "../../src/errors.js";
import { resumablePath } from "../../src/files/temporary.js";
import { type DownloadRequest, download } from "../../src/models/download.js";
import { temporaryFolder } from "../helpers.js";

const CONTENT = Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * 7919) % 251));
const SHA256 = createHash("sha256").update(CONTENT).digest("hex");

type Answer = (request: IncomingMessage, response: ServerResponse, count: number) => void;

/** A server on loopback that answers with `answer`, and a request for CONTENT from it; `ranges` lists the Range headers seen. */
async function serve(t: TestContext, answer: Answer) {
  const ranges: (string | undefined)[] = [];
  const server: Server = createServer((request, response) => {
    ranges.push(request.headers.range);
    answer(request, response, ranges.length);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => server.closeAllConnections());
  t.after(() => server.close());
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/model.onnx`;
  const target = join(temporaryFolder(t), "models", "model.onnx");
  const request: DownloadRequest = {
    url,
    target,
    byteLength: CONTENT.length,
    sha256: SHA256,
    what: "the backbone test",
    otherwise: "a file works too.",
    retries: 1,
  };
  return { request, target, ranges };
}

/** Serves CONTENT from the asked byte on. */
function sendFrom(request: IncomingMessage, response: ServerResponse): Buffer {
  const start = Number(/bytes=(\d+)-/.exec(request.headers.range ?? "")?.[1] ?? 0);
  const rest = CONTENT.subarray(start);
  const range = `bytes ${start}-${CONTENT.length - 1}/${CONTENT.length}`;
  response.writeHead(start > 0 ? 206 : 200, { "content-length": rest.length, "content-range": range });
  return rest;
}

/** Serves at most `limit` bytes from the asked byte on, and breaks the connection when they have arrived in `part`. */
function breakAfter(limit: number, part: string, request: IncomingMessage, response: ServerResponse): void {
  const rest = sendFrom(request, response);
  if (rest.length <= limit) return void response.end(rest);
  response.write(rest.subarray(0, limit));
  const arrived = CONTENT.length - rest.length + limit;
  const timer = setInterval(() => {
    if (!existsSync(part) || statSync(part).size < arrived) return;
    clearInterval(timer);
    response.destroy();
  }, 5);
}

test("a file is fetched whole, with progress, into a folder that did not exist", async (t) => {
  const { request, target } = await serve(t, (incoming, response) => void response.end(sendFrom(incoming, response)));
  const done: number[] = [];
  await download(request, { onProgress: (state) => done.push(state.done) });
  assert.ok(readFileSync(target).equals(CONTENT));
  assert.equal(done.at(-1), 0.3);
  assert.ok(!existsSync(resumablePath(target)));
});

test("a connection that breaks again and again is taken up where it stopped", async (t) => {
  const { request, target, ranges } = await serve(t, (incoming, response) => {
    breakAfter(90_000, resumablePath(target), incoming, response);
  });
  await download(request);
  assert.ok(readFileSync(target).equals(CONTENT));
  assert.ok(ranges.length >= 4);
  assert.equal(ranges[0], undefined);
  assert.match(ranges[1] ?? "", /^bytes=[1-9]\d*-$/);
});

test("a part left by an earlier run is not fetched again", async (t) => {
  const { request, target, ranges } = await serve(
    t,
    (incoming, response) => void response.end(sendFrom(incoming, response)),
  );
  mkdirSync(dirname(target));
  writeFileSync(resumablePath(target), CONTENT.subarray(0, 299_500));
  await download(request);
  assert.ok(readFileSync(target).equals(CONTENT));
  assert.deepEqual(ranges, ["bytes=299500-"]);
});

test("a server without Range support sends all of it again, and the file is right", async (t) => {
  const { request, target, ranges } = await serve(t, (_, response) => void response.writeHead(200).end(CONTENT));
  await download(request);
  writeFileSync(resumablePath(target), Buffer.alloc(1000));
  await download(request);
  assert.deepEqual(ranges, [undefined, "bytes=1000-"]);
  assert.ok(readFileSync(target).equals(CONTENT));
});

test("another content, a longer and a shorter file are refused and leave nothing", async (t) => {
  const wrong = Buffer.from(CONTENT).fill(1, 1000, 1001);
  const cases: [Buffer, RegExp][] = [
    [wrong, /its SHA-256 is [0-9a-f]{64}, not/],
    [Buffer.concat([CONTENT, CONTENT]), /more than the 300000 bytes/],
  ];
  for (const [content, message] of cases) {
    const { request, target } = await serve(t, (_, response) => void response.end(content));
    await assert.rejects(
      download(request),
      (error: Error) => error instanceof ModelError && message.test(error.message),
    );
    assert.ok(!existsSync(target) && !existsSync(resumablePath(target)));
  }
  const short = await serve(t, (_, response) => void response.end(CONTENT.subarray(0, 1000)));
  await assert.rejects(download(short.request), /keeps breaking while fetching the backbone test \(0.3 MB/);
  assert.ok(!existsSync(short.target));
});

test("an HTTP error and a missing network are one sentence each", async (t) => {
  const { request, target } = await serve(t, (_, response) => void response.writeHead(404).end("not here"));
  await assert.rejects(download(request), (error: Error) => {
    return error instanceof ModelError && error.message === `${request.url} answered 404 Not Found; a file works too.`;
  });
  // Port 1 of loopback: nothing listens there.
  const offline = { ...request, url: "http://127.0.0.1:1/model.onnx" };
  await assert.rejects(download(offline), (error: Error) => {
    const text =
      "No connection to 127.0.0.1:1 to fetch the backbone test (0.3 MB from http://127.0.0.1:1/model.onnx); a file works too.";
    return error instanceof ModelError && error.message === text;
  });
  assert.ok(!existsSync(target));
});

test("an abort keeps what came so far", async (t) => {
  const { request, target } = await serve(
    t,
    (_, response) => void response.writeHead(200).write(CONTENT.subarray(0, 100_000)),
  );
  const abort = new AbortController();
  const timer = setInterval(() => {
    if (existsSync(resumablePath(target)) && statSync(resumablePath(target)).size === 100_000) abort.abort();
  }, 5);
  t.after(() => clearInterval(timer));
  const running = download(request, { signal: abort.signal });
  await assert.rejects(running, InterruptedError);
  assert.ok(readFileSync(resumablePath(target)).equals(CONTENT.subarray(0, 100_000)));
});
