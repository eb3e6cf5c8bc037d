/** Objects of S3 and Google Cloud Storage, from a server on loopback that checks each signature by the rules of AWS. */
import assert from "node:assert/strict";
import { createHash, createHmac } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { afterEach, describe, it } from "node:test";
import { listObjects } from "../../src/remote/object-store.js";
import { forget, RemoteFile } from "../../src/remote/remote-file.js";
import { RemoteError } from "../../src/remote/request-error.js";
import { classify } from "../../src/tiles/inputs.js";
import { openTiles } from "../../src/tiles/sources.js";
import { type Flaws, serve } from "./server.js";

const KEY = { id: "AKIDEXAMPLE", secret: "wJalr/EXAMPLE+KEY" };
const VARIABLES = [
  "AWS_ACCESS_KEY_ID",
  "AWS_SECRET_ACCESS_KEY",
  "AWS_SESSION_TOKEN",
  "AWS_REGION",
  "AWS_ENDPOINT_URL_S3",
  "GS_ACCESS_KEY_ID",
  "GS_SECRET_ACCESS_KEY",
  "GOOGLE_OAUTH_ACCESS_TOKEN",
  "STORAGE_EMULATOR_HOST",
];
const earlier = VARIABLES.map((name) => [name, process.env[name]] as const);

function set(values: Record<string, string>): void {
  for (const name of VARIABLES) delete process.env[name];
  Object.assign(process.env, values);
}

afterEach(() => {
  for (const [name, value] of earlier) {
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  }
});

const sha = (text: string) => createHash("sha256").update(text).digest("hex");
const hmac = (key: string | Buffer, text: string) => createHmac("sha256", key).update(text).digest();

/** Signature version 4, as the page "Create a signed AWS API request" has it. */
function isSigned({ method, url = "", headers }: IncomingMessage, region: string): boolean {
  const authorization = headers.authorization ?? "";
  const [, scope, names, given] =
    /Credential=[^/]+\/(\S+), SignedHeaders=(\S+), Signature=(\w+)$/.exec(authorization) ?? [];
  if (scope === undefined || !scope.includes(`/${region}/s3/`)) return false;
  const { pathname, searchParams } = new URL(url, "http://x");
  searchParams.sort();
  const query = [...searchParams].map((pair) => pair.map(encodeURIComponent).join("=")).join("&");
  const lines = names.split(";").map((name) => `${name}:${headers[name]}\n`);
  const canonical = [method, pathname, query, lines.join(""), names, headers["x-amz-content-sha256"]].join("\n");
  const text = ["AWS4-HMAC-SHA256", headers["x-amz-date"], scope, sha(canonical)].join("\n");
  const key = scope.split("/").reduce<string | Buffer>(hmac, `AWS4${KEY.secret}`);
  return hmac(key, text).toString("hex") === given;
}

const FILES: Record<string, Buffer> = {
  "/bucket/in/a.tar": Buffer.alloc(300_000, 7),
  "/bucket/in/odd a%2Bb%23c.jpg": Buffer.from("odd"),
};

/** Refuses what is not signed, lists `keys` four at a time, and gives FILES. */
function store(region: string, keys: readonly string[] = [], before: Flaws["answer"] = () => false): Flaws {
  return {
    answer(n: number, response: ServerResponse, request: IncomingMessage) {
      if (before(n, response, request)) return true;
      if (!isSigned(request, region)) return !!response.writeHead(403).end();
      const { searchParams } = new URL(request.url ?? "", "http://x");
      if (!searchParams.has("list-type")) return false;
      const from = Number((searchParams.get("continuation-token") ?? "=&0").slice(2));
      const found = keys.filter((key) => key.startsWith(searchParams.get("prefix") ?? "")).sort();
      const names = found
        .slice(from, from + 4)
        .map((key) => `<Contents><Key>${encodeURIComponent(key)}</Key></Contents>`);
      const next = from + 4 < found.length ? `<NextContinuationToken>=&amp;${from + 4}</NextContinuationToken>` : "";
      return !!response
        .writeHead(200)
        .end(
          `<?xml version="1.0"?><ListBucketResult><EncodingType>url</EncodingType>${names.join("")}${next}</ListBucketResult>`,
        );
    },
  };
}

async function readAll(address: string): Promise<Buffer> {
  forget(address);
  const file = new RemoteFile(address);
  const target = Buffer.alloc(400_000);
  try {
    return target.subarray(0, await file.read(target, 0));
  } finally {
    await file.close();
  }
}

const keys = { AWS_ACCESS_KEY_ID: KEY.id, AWS_SECRET_ACCESS_KEY: KEY.secret };
const reason = (pattern: RegExp) => (error: unknown) => error instanceof RemoteError && pattern.test(error.reason);

describe("objects of a store", () => {
  it("are read with signed requests, on after a broken connection, whatever signs their keys have", async (t) => {
    const { url, asked } = await serve(t, FILES, { ...store("eu-west-1"), cut: 200_000 });
    set({ ...keys, AWS_REGION: "eu-west-1", AWS_ENDPOINT_URL_S3: url });
    assert.deepEqual(await readAll("s3://bucket/in/a.tar"), FILES["/bucket/in/a.tar"]);
    // What a broken connection still held may be lost.
    const places = asked.map(({ range }) => Number(range?.slice("bytes=".length, -1)));
    assert.ok(places[0] === 0 && (places.at(-1) ?? 0) > 0, `${places}`);
    assert.equal((await readAll("s3://bucket/in/odd a+b#c.jpg")).toString(), "odd");
  });

  it("of Google are signed with HMAC keys, or carry a token", async (t) => {
    const { url } = await serve(t, FILES, store("auto"));
    set({ GS_ACCESS_KEY_ID: KEY.id, GS_SECRET_ACCESS_KEY: KEY.secret, STORAGE_EMULATOR_HOST: url });
    assert.equal((await readAll("gs://bucket/in/a.tar")).length, 300_000);
    const open = await serve(t, FILES);
    set({ GOOGLE_OAUTH_ACCESS_TOKEN: "t0ken", STORAGE_EMULATOR_HOST: open.url.replace("http://", "") });
    assert.equal((await readAll("gs://bucket/in/a.tar")).length, 300_000);
    assert.equal(open.asked[0].authorization, "Bearer t0ken");
  });

  it("below a prefix are listed page by page, and asked for again when the server fails", async (t) => {
    const names = [
      "in/a.jpg",
      "in/b c.jpg",
      "in/d&e.jpg",
      "in/sub/",
      "in/sub/f.png",
      "in/g.txt",
      "in/h.tar",
      "out/i.jpg",
    ];
    const failing: Flaws["answer"] = (n, response) => n % 2 === 0 && !!response.writeHead(503).end();
    const { url } = await serve(t, {}, store("us-east-1", names, failing));
    set({ ...keys, AWS_ENDPOINT_URL_S3: url });
    const found: string[] = [];
    for await (const address of listObjects("s3://bucket/in/")) found.push(address.slice("s3://bucket/in/".length));
    assert.deepEqual(found, ["a.jpg", "b c.jpg", "d&e.jpg", "g.txt", "h.tar", "sub/f.png"]);
    const items = await classify("s3://bucket/in/");
    assert.deepEqual(
      items.map(({ kind, path }) => [kind, path.slice(15)]),
      [
        ["file", "a.jpg"],
        ["file", "b c.jpg"],
        ["file", "d&e.jpg"],
        ["file", "sub/f.png"],
      ],
    );
    assert.equal(items[0].others, 2);
    await assert.rejects(classify("s3://bucket/none/"), /no tiles and no archives below s3:\/\/bucket\/none\//);
  });

  it("may be more below a prefix than a call takes arguments", async (t) => {
    const page = Array.from({ length: 150_000 }, (_, i) => `<Key>in/${i}.jpg</Key>`).join("");
    const answer: Flaws["answer"] = (_n, response) =>
      !!response.writeHead(200).end(`<ListBucketResult>${page}</ListBucketResult>`);
    const { url } = await serve(t, {}, { answer });
    set({ AWS_ENDPOINT_URL_S3: url });
    const opened = await openTiles("s3://b/in/");
    let count = 0;
    for await (const _tile of opened.list()) count++;
    await opened.close();
    assert.equal(count, 150_000);
  });

  it("are listed as their server writes them; what is no list, no key, or never ends is refused", async (t) => {
    let page = "";
    const { url, asked } = await serve(t, {}, { answer: (_n, response) => !!response.writeHead(200).end(page) });
    set({ AWS_ENDPOINT_URL_S3: url });
    const list = async () => {
      const found: string[] = [];
      for await (const address of listObjects("s3://b/in/")) found.push(address.slice("s3://b/in/".length));
      return found;
    };
    page = "<ListBucketResult><Key>in/50%+a&amp;b&#228;.jpg</Key></ListBucketResult>";
    assert.deepEqual(await list(), ["50%+a&bä.jpg"]);
    page = "<ListBucketResult><Key>in/&#1114112;&#x41;</Key></ListBucketResult>";
    assert.deepEqual(await list(), ["&#1114112;A"]);
    page = "<ListBucketResult><Key>in/50%+a&amp;b&#228;.jpg</Key></ListBucketResult>";
    page = `${page.replace("<Key>", "<EncodingType>url</EncodingType><Key>")}`;
    await assert.rejects(list(), reason(/not escaped as it says/));
    page = "<ListBucketResult><NextContinuationToken>x</NextContinuationToken></ListBucketResult>";
    await assert.rejects(list(), reason(/one page for ever/));
    page = "<html>";
    await assert.rejects(list(), reason(/something else than a list/));
    page = "<ListBucketResult>".padEnd(17 << 20);
    await assert.rejects(list(), reason(/a list that does not end/));
    assert.ok(asked.length <= 7);
  });

  it("take no keys along to another server", async (t) => {
    const other = await serve(t, FILES);
    const { url } = await serve(t, FILES, {
      answer: (_n, response, request) => !!response.writeHead(307, { location: `${other.url}${request.url}` }).end(),
    });
    set({ ...keys, AWS_SESSION_TOKEN: "session", AWS_ENDPOINT_URL_S3: url });
    await assert.rejects(readAll("s3://bucket/in/a.tar"), reason(/status 307/));
    await assert.rejects(classify("s3://bucket/in/"), reason(/status 307/));
    assert.deepEqual(other.asked, []);
  });

  it("that are refused are told with what is missing", async (t) => {
    const elsewhere: Flaws["answer"] = (_n, response) =>
      !!response.writeHead(400, { "x-amz-bucket-region": "ap-south-1" }).end();
    const { url, flaws } = await serve(t, FILES, store("us-east-1"));
    set({ AWS_ENDPOINT_URL_S3: url });
    await assert.rejects(readAll("s3://bucket/in/a.tar"), reason(/status 403\); no AWS_ACCESS_KEY_ID is set/));
    await assert.rejects(classify("s3://bucket/in/"), reason(/no AWS_ACCESS_KEY_ID is set/));
    set({ ...keys, AWS_ENDPOINT_URL_S3: url });
    flaws.answer = elsewhere;
    await assert.rejects(readAll("s3://bucket/in/a.tar"), reason(/region ap-south-1: set AWS_REGION/));
    await assert.rejects(readAll("s3://"), /names no bucket/);
    // Addresses of the web lose such parts: another object would be read.
    await assert.rejects(readAll("s3://bucket/out/../in/a.tar"), reason(/its key has \. or \.\. for a folder/));
  });
});
