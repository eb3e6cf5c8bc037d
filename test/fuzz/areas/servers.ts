/** Answers of servers and stores, byte by byte: a file as it was sent, names of objects, or one sentence. */
import assert from "node:assert/strict";
import { createServer, type Server } from "node:net";
import { CanopyError } from "../../../src/errors.js";
import { listObjects } from "../../../src/remote/object-store.js";
import { PATIENCE } from "../../../src/remote/patience.js";
import { forget, RemoteFile } from "../../../src/remote/remote-file.js";
import { type Area, kindOf, type Seed } from "../fuzzer.js";

const WORDS = [
  "HTTP/1.1 206 OK\r\n",
  "Content-Range: bytes 0-9/10\r\n",
  "Transfer-Encoding: chunked\r\n\r\n",
  "Content-Encoding: gzip\r\n",
  "Location: /other\r\n",
  "<Key>in/%2e%2e/a.jpg</Key>",
  "<NextContinuationToken>",
  "&#x1b;",
  "&#99999999;",
  "%zz",
];
const MOST_BYTES = 1 << 19;
const VARIABLE = "AWS_ENDPOINT_URL_S3";

function answer(status: string, headers: string[], body: string): Buffer {
  return Buffer.from(`${[`HTTP/1.1 ${status}`, ...headers, "Connection: close"].join("\r\n")}\r\n\r\n${body}`);
}

const page = (escaping: string, keys: string[]) =>
  `<?xml version="1.0"?><ListBucketResult>${escaping}${keys.map((key) => `<Contents><Key>${key}</Key></Contents>`).join("")}<NextContinuationToken>x</NextContinuationToken></ListBucketResult>`;

export async function serverArea(): Promise<Area> {
  let bytes: Uint8Array = Buffer.alloc(0);
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.once("data", () => socket.end(bytes));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = `http://127.0.0.1:${portOf(server)}`;
  const before = { ...PATIENCE, endpoint: process.env[VARIABLE] };
  Object.assign(PATIENCE, { tries: 2, firstWait: 1, silence: 2000 });
  process.env[VARIABLE] = address;
  const read = async (file: Seed): Promise<string> => {
    bytes = file.bytes;
    return file.name === "listing" ? list() : fetchFile(`${address}/a.jpg`);
  };
  const close = (): void => {
    server.close();
    Object.assign(PATIENCE, { tries: before.tries, firstWait: before.firstWait, silence: before.silence });
    if (before.endpoint === undefined) delete process.env[VARIABLE];
    else process.env[VARIABLE] = before.endpoint;
  };
  return { seeds: seeds(), words: WORDS, read, close };
}

function seeds(): Seed[] {
  const [xml, etag] = ["Content-Type: application/xml", 'ETag: "one"'];
  return [
    { name: "listing", bytes: answer("200 OK", [xml], page("", ["in/a.jpg", "in/b &amp; c.jpg", "in/&#100;/"])) },
    { name: "listing", bytes: answer("200 OK", [xml], page("<EncodingType>url</EncodingType>", ["in/a%20b.jpg"])) },
    { name: "file", bytes: answer("206 Partial Content", ["Content-Range: bytes 0-5/6", etag], "ABCDEF") },
    { name: "file", bytes: answer("200 OK", ["Content-Length: 6"], "ABCDEF") },
    { name: "file", bytes: answer("200 OK", ["Transfer-Encoding: chunked"], "6\r\nABCDEF\r\n0\r\n\r\n") },
    { name: "file", bytes: answer("416 Range Not Satisfiable", ["Content-Range: bytes */0"], "none") },
  ];
}

function portOf(server: Server): number {
  return (server.address() as { port: number }).port;
}

async function list(): Promise<string> {
  let count = 0;
  try {
    for await (const name of listObjects("s3://bucket/in/")) {
      assert.match(name, /^s3:\/\/bucket\//);
      count++;
    }
    return `${Math.min(count, 3)} objects`;
  } catch (error) {
    return reasonOf(error, "s3://bucket/in/");
  }
}

async function fetchFile(address: string): Promise<string> {
  forget(address);
  const file = new RemoteFile(address);
  try {
    const size = await file.extent(MOST_BYTES + 1);
    const target = Buffer.alloc(Math.min(size, MOST_BYTES));
    const count = await file.read(target, 0);
    assert.ok(count <= size);
    return count === size ? "whole" : "a part";
  } catch (error) {
    return reasonOf(error, address);
  } finally {
    await file.close();
  }
}

function reasonOf(error: unknown, address: string): string {
  if (!(error instanceof CanopyError)) throw error;
  assert.ok(error.message.startsWith(address) && error.message.length < 1000, error.message.slice(0, 1000));
  return kindOf(error.message.slice(address.length));
}
