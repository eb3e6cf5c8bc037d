import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import { type PredictRunOptions, predictWith } from "../../src/operations/predict.js";
import { RemoteError } from "../../src/remote/request-error.js";
import { toyModel, writeToyTiles } from "../engine/toy.js";
import { suiteFolder } from "../helpers.js";
import { serve } from "../remote/server.js";

const MODEL = toyModel();
const folder = suiteFolder();
const files: Record<string, Buffer> = {};
const COUNT = 60;
let outputs = 0;

before(async () => {
  await writeToyTiles(join(folder, "in"), COUNT);
  for (const [name, flag] of [
    ["in.tar", "-cf"],
    ["in.tar.gz", "-czf"],
  ])
    execFileSync("tar", ["--sort=name", flag, join(folder, name), "-C", folder, "in"]);
  for (const name of ["in.tar", "in.tar.gz"]) files[`/${name}`] = readFileSync(join(folder, name));
  for (const name of readdirSync(join(folder, "in"))) files[`/in/${name}`] = readFileSync(join(folder, "in", name));
});

const newOut = () => join(folder, `out-${outputs++}.csv`);
const run = (options: Omit<PredictRunOptions, "out"> & { out?: string }) =>
  predictWith(MODEL, { workers: 2, batchSize: 8, out: newOut(), ...options });
const read = (path: string) => readFileSync(path, "utf8");

async function local(): Promise<string> {
  return read((await run({ inputs: [join(folder, "in")] })).out);
}

test("archives, tiles and lists of addresses give the rows of the same files on disk", async (t) => {
  const { url } = await serve(t, files);
  const expected = await local();
  const list = join(folder, "list.txt");
  const tiles = readdirSync(join(folder, "in")).sort();
  writeFileSync(list, tiles.map((name) => `${url}/in/${name}`).join("\n"));
  for (const inputs of [[`${url}/in.tar`], [`${url}/in.tar.gz`], [`@${list}`]]) {
    assert.equal(read((await run({ inputs })).out), expected, inputs[0]);
  }
});

test("a prefix of a store gives the rows of the same files in a folder", async (t) => {
  const names = readdirSync(join(folder, "in"));
  const contents = names.map((name) => `<Contents><Key>in/${name}</Key></Contents>`).join("");
  const { url } = await serve(
    t,
    Object.fromEntries(Object.entries(files).map(([path, bytes]) => [`/bucket${path}`, bytes])),
    {
      answer: (_n, response, request) =>
        (request.url ?? "").includes("list-type=2") &&
        !!response.writeHead(200).end(`<ListBucketResult>${contents}</ListBucketResult>`),
    },
  );
  process.env["AWS_ENDPOINT_URL_S3"] = url;
  t.after(() => delete process.env["AWS_ENDPOINT_URL_S3"]);
  const expected = await local();
  for (const input of ["s3://bucket/in/", "s3://bucket/in.tar"]) {
    assert.equal(read((await run({ inputs: [input] })).out), expected, input);
  }
});

test("a server that fails now and then changes nothing", async (t) => {
  const { url } = await serve(t, files, {
    cut: 20_000,
    answer: (n, response) => n % 5 === 3 && !!response.writeHead(500).end(),
  });
  assert.equal(read((await run({ inputs: [`${url}/in.tar`] })).out), await local());
});

test("tiles that are not there are rejected with their reason; without any answer the run stops and can be resumed", async (t) => {
  const { url, flaws } = await serve(t, files);
  const list = join(folder, "some.txt");
  const names = readdirSync(join(folder, "in")).sort();
  writeFileSync(list, [`${url}/in/none.jpg`, ...names.map((name) => `${url}/in/${name}`)].join("\n"));
  const summary = await run({ inputs: [`@${list}`] });
  assert.equal(summary.rejected, 1);
  const reject = JSON.parse(read(`${summary.out}.rejects.jsonl`));
  assert.deepEqual([reject.code, reject.path], ["READ", `${url}/in/none.jpg`]);
  assert.match(reject.message, /no such file \(status 404\)/);
  const [whole, out] = [newOut(), newOut()];
  writeFileSync(list, names.map((name) => `${url}/in/${name}`).join("\n"));
  await run({ inputs: [`@${list}`], out: whole });
  flaws.answer = (_, response, { url: path }) => path === `/in/${names[50]}` && !!response.destroy();
  await assert.rejects(run({ inputs: [`@${list}`], out, commit: { tiles: 8 } }), RemoteError);
  flaws.answer = () => false;
  const resumed = await run({ inputs: [`@${list}`], out, resume: true });
  assert.ok(resumed.resumed >= 8);
  assert.equal(read(out), read(whole));
});

test("an archive that has changed since the run began is not gone on with", async (t) => {
  const { url, flaws } = await serve(t, files);
  const out = newOut();
  const controller = new AbortController();
  const onProgress = ({ stage, done }: { stage: string; done: number }) => {
    if (stage === "predict" && done >= 16) controller.abort();
  };
  const options = { workers: 2, batchSize: 8, inputs: [`${url}/in.tar`], out, commit: { tiles: 8 } };
  await assert.rejects(predictWith(MODEL, options, { signal: controller.signal, onProgress }));
  flaws.etag = () => '"two"';
  await assert.rejects(run({ ...options, resume: true }), /has another size or time of modification/);
});

test("shards share archives out, and each reads none but its own", async (t) => {
  const { url, asked } = await serve(t, { ...files, "/other.tar": files["/in.tar"] });
  const inputs = [`${url}/in.tar`, `${url}/other.tar`];
  for (const index of [1, 2]) {
    asked.length = 0;
    await run({ inputs, shard: { index, count: 2 } });
    const read = asked.filter(({ sent }) => sent > 0).map(({ url: each }) => each);
    const [own, other] = index === 1 ? ["/in.tar", "/other.tar"] : ["/other.tar", "/in.tar"];
    assert.ok(read.filter((each) => each === own).length > 1);
    assert.ok(read.filter((each) => each === other).length <= 1, "its size alone");
    assert.deepEqual(new Set(read), new Set([own, other]));
  }
});

test("secrets of addresses are in no message, output or run record", async (t) => {
  const { url, asked } = await serve(t, files);
  const secret = url.replace("http://", "http://me:hidden@");
  const out = newOut();
  const inputs = [`${secret}/in.tar?X-Amz-Signature=hidden`, `${secret}/in/none.jpg?sig=hidden`];
  const controller = new AbortController();
  const onProgress = ({ stage }: { stage: string }) => {
    if (stage === "predict") controller.abort();
  };
  const options = { inputs, out, batchSize: 8, commit: { tiles: 8 } };
  await assert.rejects(predictWith(MODEL, options, { signal: controller.signal, onProgress }));
  const texts = readdirSync(`${out}.parts`).map((name) => readFileSync(join(`${out}.parts`, name), "latin1"));
  await run({ ...options, resume: true });
  for (const ending of ["", ".manifest.json", ".rejects.jsonl"]) texts.push(read(`${out}${ending}`));
  assert.ok(texts.length > 5);
  assert.ok(!texts.some((text) => text.includes("hidden")));
  assert.ok(
    asked.some(({ url: each, authorization }) => each.includes("hidden") && authorization?.startsWith("Basic")),
  );
  await assert.rejects(
    run({ inputs: [`${secret}/in.jpg2?sig=hidden`] }),
    (error: Error) => !/hidden/.test(error.message),
  );
});

test("what cannot be read from servers is said", async () => {
  await assert.rejects(run({ inputs: ["https://127.0.0.1:9/x.zip"] }), /is a zip, which is read from disks only/);
  await assert.rejects(run({ inputs: ["https://127.0.0.1:9/"] }), /names neither a tile nor a tar/);
  await assert.rejects(run({ inputs: ["https://"] }), /begins like an address/);
});
