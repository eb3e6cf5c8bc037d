/** The queue on a real Redis with TLS and a password: it works, and nobody gets to see the password. */
import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { runPaths } from "../../src/run/paths.js";
import { saveToyModel, writeToyTiles } from "../engine/toy.js";
import { ROOT, runCli, temporaryFolder } from "../helpers.js";
import { noTlsRedis, startRedis, type TestRedis } from "../queue/redis.js";

const SECRET = "p@ss/w?rd#:%";

describe("a queue behind TLS and a password", noTlsRedis === undefined ? {} : { skip: noTlsRedis }, () => {
  const root = temporaryFolder({ after: (fn) => after(fn) });
  let redis: TestRedis;
  let trust: Record<string, string>;
  let address: string;

  before(async () => {
    redis = await startRedis(root, { tls: true, password: SECRET });
    trust = { NODE_EXTRA_CA_CERTS: join(root, "cert.pem") };
    address = redis.url.replace("//", `//:${SECRET}@`);
    writeFileSync(join(root, "address"), `${address}\n`);
  });
  after(() => redis.stop());

  it("takes a run from a file's address to its output, and writes the password nowhere", async () => {
    const toy = await saveToyModel(root);
    const tiles = join(root, "tiles");
    await writeToyTiles(tiles, 20);
    const out = join(root, "out.csv");
    const model = ["--model", toy.model, "--backbone", toy.backbone, "--device", "cpu"];
    const seen: string[] = [];
    const run = (args: string[], env: Record<string, string>) => {
      const { status, stdout, stderr } = runCli(args, { env: { ...trust, ...env } });
      seen.push(stdout, stderr);
      assert.equal(status, 0, stderr);
      return stdout;
    };
    run(["enqueue", tiles, ...model, "--out", out, "--redis", `@${join(root, "address")}`], {});
    const { folder } = runPaths(out);
    for (const name of readdirSync(folder)) seen.push(readFileSync(join(folder, name), "latin1"));
    seen.push(await readMetrics(["work"], { ...trust, CANOPY_REDIS: address }));
    run(["work", "--until-empty", "--workers", "1", "--json"], { CANOPY_REDIS: `@${join(root, "address")}` });
    assert.equal(JSON.parse(run(["queue", "status", "--json"], { CANOPY_REDIS: address })).runs, 0);
    assert.equal(readFileSync(out, "utf8").split("\n").length, 22);
    assert.deepEqual(
      seen.filter((text) => text.includes(SECRET)),
      [],
    );
  });

  it("says what is wrong without the password", async (t) => {
    const plain = await startRedis(temporaryFolder(t));
    t.after(() => plain.stop());
    const cases: [url: string, env: Record<string, string>, expected: RegExp][] = [
      [
        address,
        {},
        /The certificate of Redis at rediss:\S+ is not trusted \(\w*SELF_SIGNED\w*\): .* NODE_EXTRA_CA_CERTS/,
      ],
      [
        address.replace("127.0.0.1", "localhost"),
        trust,
        /certificate of Redis at rediss:\/\/localhost:\d+ is not trusted/,
      ],
      [address.replace("p@ss", "past"), trust, /does not accept the password/],
      [redis.url, trust, /does not accept the password/],
      [address.replace("rediss", "redis"), trust, /Redis does not answer at redis:\S+: is it running, and without TLS/],
      [
        `rediss://:${SECRET}@127.0.0.1:${plain.port}`,
        trust,
        /Redis does not answer at rediss:\S+: is it running, and with TLS/,
      ],
      [`${redis.url}/?password=${SECRET}`, trust, /Expected --redis to be an address/],
      [`http://:${SECRET}@host`, trust, /Expected --redis to be an address/],
      [address.replace(String(redis.port), "1"), trust, /Redis does not answer/],
    ];
    // At the same time: most of them wait until Redis is given up.
    const ended = cases.map(([url, env]) => failingStatus({ ...env, CANOPY_REDIS: url, CANOPY_DEBUG: "1" }));
    for (const [i, { code, stdout, stderr }] of (await Promise.all(ended)).entries()) {
      assert.ok([1, 2].includes(code), `${cases[i][0]} ends with ${code}`);
      assert.match(stderr, cases[i][2]);
      assert.ok(!`${stdout}${stderr}`.includes("w?rd"), stderr);
    }
  });

  it("warns of a password that stands on the command line", () => {
    const { status, stderr } = runCli(["queue", "status", "--redis", address], { env: trust });
    assert.equal(status, 0, stderr);
    assert.match(
      stderr,
      /^Warning: A password on the command line can be read by all .* as --redis @FILE, in a file\.$/m,
    );
    assert.equal(runCli(["queue", "status"], { env: { ...trust, CANOPY_REDIS: address } }).stderr, "");
  });
});

/** How `queue status` ends that must not end well. */
function failingStatus(env: Record<string, string>): Promise<{ code: number; stdout: string; stderr: string }> {
  const command = [join(ROOT, "dist/src/cli/main.js"), "queue", "status", "--json"];
  return new Promise((resolve, reject) => {
    const options = { env: { ...process.env, NO_COLOR: "1", ...env } };
    execFile(process.execPath, command, options, (error, stdout, stderr) => {
      if (error === null) reject(new Error(`It ended well: ${stdout}`));
      else resolve({ code: Number(error.code), stdout, stderr });
    });
  });
}

/** What a worker serves while it waits for work. */
async function readMetrics(args: string[], env: Record<string, string>): Promise<string> {
  const command = [join(ROOT, "dist/src/cli/main.js"), ...args, "--queue", "idle", "--metrics", "0"];
  const worker = spawn(process.execPath, command, {
    env: { ...process.env, ...env },
    stdio: ["ignore", "ignore", "pipe"],
  });
  let stderr = "";
  for await (const text of worker.stderr) {
    stderr += text;
    const url = /http:\S+\/metrics/.exec(stderr)?.[0];
    if (url === undefined) continue;
    const metrics = await (await fetch(url)).text();
    worker.kill("SIGTERM");
    await once(worker, "exit");
    return stderr + metrics;
  }
  throw new Error(`The worker ended: ${stderr}`);
}
