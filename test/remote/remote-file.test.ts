import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { InterruptedError } from "../../src/errors.js";
import { conceal, reveal } from "../../src/remote/address.js";
import { PATIENCE } from "../../src/remote/patience.js";
import { forget, RemoteFile } from "../../src/remote/remote-file.js";
import { RemoteError } from "../../src/remote/request-error.js";
import { type Flaws, serve } from "./server.js";

const BYTES = Buffer.from(Uint8Array.from({ length: 700_000 }, (_, i) => (i * 31 + (i >> 8)) & 255));

interface After {
  after(fn: () => void): void;
}

async function opened(t: After, flaws: Flaws = {}, signal?: AbortSignal) {
  const server = await serve(t, { "/a.tar": BYTES, "/empty.tar": Buffer.alloc(0) }, flaws);
  const address = `${server.url}/a.tar`;
  forget(address);
  const file = new RemoteFile(address, signal);
  t.after(() => void file.close());
  return { ...server, file };
}

async function readAll(file: RemoteFile): Promise<Buffer> {
  const target = Buffer.alloc(BYTES.length + 10);
  return target.subarray(0, await file.read(target, 0));
}

const reason = (pattern: RegExp) => (error: unknown) => error instanceof RemoteError && pattern.test(error.reason);

describe("a file of a server", () => {
  it("is read by places: forward in one request, elsewhere in another that asks for what is needed", async (t) => {
    const { file, asked } = await opened(t);
    for (const [position, length] of [
      [0, 100],
      [100, 5000],
      [40_000, 10],
      [650_000, 100],
      [50, 20],
      [699_990, 100],
    ]) {
      const target = Buffer.alloc(length);
      const count = await file.read(target, position);
      assert.deepEqual(target.subarray(0, count), BYTES.subarray(position, position + length), `${position}`);
    }
    assert.deepEqual(
      asked.map(({ range }) => range),
      ["bytes=0-", "bytes=650000-", "bytes=50-", "bytes=699990-"],
    );
    assert.equal(await file.extent(1e9), BYTES.length);
  });

  it("goes on where a connection broke, as often as bytes come in between", async (t) => {
    const { file, asked } = await opened(t, { cut: 60_000 });
    assert.deepEqual(await readAll(file), BYTES);
    assert.equal(asked.length, Math.ceil(BYTES.length / 60_000));
    assert.ok(asked.reduce((sum, { sent }) => sum + sent, 0) === BYTES.length, "no byte is sent twice");
  });

  it("is tried again after errors of the server, and no longer than patience lasts", async (t) => {
    const busy = (most: number): Flaws => ({ answer: (n, response) => n < most && !!response.writeHead(503).end() });
    const { file } = await opened(t, busy(4));
    assert.deepEqual(await readAll(file), BYTES);
    const { file: never, asked } = await opened(t, busy(1e9));
    await assert.rejects(readAll(never), reason(/status 503/));
    assert.equal(asked.length, 6);
  });

  it("is given up at once where the server refuses", async (t) => {
    for (const [status, why] of [
      [401, /password/],
      [403, /may not be read/],
      [404, /no such file/],
    ] as const) {
      const { file, asked } = await opened(t, { answer: (_, response) => !!response.writeHead(status).end() });
      await assert.rejects(readAll(file), reason(why));
      assert.equal(asked.length, 1);
    }
  });

  it("goes on where an answer ends well before the file does", async (t) => {
    const { file, asked } = await opened(t, { most: 60_000 });
    assert.deepEqual(await readAll(file), BYTES);
    assert.equal(asked.length, Math.ceil(BYTES.length / 60_000));
  });

  it("is asked for again if its server falls silent", { timeout: 60_000 }, async (t) => {
    const { silence } = PATIENCE;
    t.after(() => {
      PATIENCE.silence = silence;
    });
    PATIENCE.silence = 300;
    const { file, asked } = await opened(t, { answer: (n) => n === 0 });
    assert.deepEqual(await readAll(file), BYTES);
    assert.ok(asked.length >= 2);
  });

  it("is whole whatever length its server says", async (t) => {
    const { file } = await opened(t, { length: (rest) => rest + (rest === BYTES.length ? 1000 : 0) });
    assert.deepEqual(await readAll(file), BYTES);
  });

  it("is read from a server without ranges, too", async (t) => {
    const { file, asked } = await opened(t, { ranges: false });
    const target = Buffer.alloc(10);
    await file.read(target, 600_000);
    assert.deepEqual(target, BYTES.subarray(600_000, 600_010));
    await file.read(target, 7);
    assert.deepEqual(target, BYTES.subarray(7, 17));
    assert.equal(asked.length, 2);
  });

  it("is not put together from two states: by ETag and If-Match, or by what the answer says", async (t) => {
    for (const ranges of [true, false]) {
      for (const careless of [false, true]) {
        const { file } = await opened(t, { cut: 60_000, ranges, careless, etag: (n) => (n < 2 ? '"one"' : '"two"') });
        await assert.rejects(readAll(file), reason(/has changed/));
      }
    }
  });

  it("follows redirects", async (t) => {
    const { file } = await opened(t, {
      answer: (n, response) => n === 0 && !!response.writeHead(302, { location: "/a.tar?elsewhere" }).end(),
    });
    assert.deepEqual(await readAll(file), BYTES);
  });

  it("stops on abort, also while it waits", async (t) => {
    const controller = new AbortController();
    const { file } = await opened(t, { answer: () => true }, controller.signal);
    setTimeout(() => controller.abort(), 20);
    await assert.rejects(readAll(file), InterruptedError);
  });

  it("may be empty, and its server may be away", async (t) => {
    const { url } = await opened(t);
    const empty = new RemoteFile(`${url}/empty.tar`);
    assert.equal(await empty.read(Buffer.alloc(10), 0), 0);
    const away = new RemoteFile("http://127.0.0.1:9/a.tar");
    await assert.rejects(
      away.read(Buffer.alloc(10), 0),
      (error) => error instanceof RemoteError && error.isUnreachable,
    );
  });
});

describe("addresses", () => {
  it("are shown without user, password and signature, and spoken to with them", () => {
    const secrets = "X-Amz-Signature=abc&X-Amz-Credential=me&sig=xyz&token=t&AWSAccessKeyId=k&Expires=9&se=2030&sv=1";
    const shown = conceal(`https://user:pass%21@example.org/a%20b/c.tar?id=7&${secrets}#x`);
    assert.equal(shown, "https://example.org/a%20b/c.tar?id=7");
    const { url, headers } = reveal(shown);
    assert.equal(url, `https://example.org/a%20b/c.tar?id=7&${secrets}#x`);
    assert.equal(headers["authorization"], `Basic ${Buffer.from("user:pass!").toString("base64")}`);
    assert.equal(conceal("https://example.org/plain.tar"), "https://example.org/plain.tar");
  });
});
