/** What the system is asked for, in order: content, flush, rename, flush of the folder. Recorded by strace around the real thing. */
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { dirname, join } from "node:path";
import { before, describe, it } from "node:test";
import { ROOT, suiteFolder } from "../helpers.js";
import { type Inputs, makeInputs } from "./output-inputs.js";
import { type OutputCommand, outputCommands } from "./outputs.js";

interface Call {
  name: "write" | "sync" | "rename";
  path: string;
  /** Of a rename. */
  to?: string;
}

const TRACED = "openat,write,pwrite64,writev,pwritev,fsync,fdatasync,rename,renameat,renameat2,ftruncate";
const trace = spawnSync("strace", ["-f", "-y", "-e", "trace=fsync", "true"]).status === 0;
const needsStrace = trace ? {} : { skip: "strace is not here, or may not trace" };

const folder = suiteFolder();
const cache = join(folder, "cache");
const into = join(folder, "out");
let inputs: Inputs;

/** Runs `node ...args` and gives what it asked the system for below `into`. */
async function record(args: string[], env: Record<string, string> = {}): Promise<Call[]> {
  const log = join(folder, "strace.log");
  const strace = ["-f", "-y", "--seccomp-bpf", "-s", "0", "-e", `trace=${TRACED}`, "-e", "signal=none", "-o", log];
  const child = spawn("strace", [...strace, process.execPath, ...args], {
    env: { ...process.env, CANOPY_CACHE: cache, ...env },
    stdio: ["ignore", "ignore", "pipe"],
  });
  let stderr = "";
  child.stderr.on("data", (text) => {
    stderr += text;
  });
  const status = await new Promise((resolve) => child.on("close", resolve));
  assert.equal(status, 0, stderr);
  return parse(readFileSync(log, "utf8")).filter(({ path }) => path.startsWith(into));
}

const canopy = (command: OutputCommand) =>
  record([join(ROOT, "dist/src/cli/main.js"), ...command.args, "--quiet"], command.env);

/** A flush counts from where it came back, everything else from where it was asked for. */
function parse(log: string): Call[] {
  const calls: Call[] = [];
  const pending = new Map<string, Call>();
  for (const line of log.split("\n")) {
    const [, thread, text] = /^(\d+) +(.*)$/.exec(line) ?? [];
    if (text === undefined) continue;
    if (/^<\.\.\. f(data)?sync resumed>.* = 0/.test(text)) calls.push(pending.get(thread) as Call);
    const call = parseCall(text);
    if (call === undefined) continue;
    if (call.name === "sync" && text.includes("<unfinished")) pending.set(thread, call);
    else calls.push(call);
  }
  return calls;
}

function parseCall(text: string): Call | undefined {
  const [, name, path] = /^(\w+)\(\d+<([^>]*)>/.exec(text) ?? [];
  if (name === "fsync" || name === "fdatasync") return { name: "sync", path };
  if (name !== undefined && /write|ftruncate/.test(name)) return { name: "write", path };
  const [, from, to] = /^rename\w*\((?:AT_FDCWD<[^>]*>, )?"([^"]*)", (?:AT_FDCWD<[^>]*>, )?"([^"]*)"/.exec(text) ?? [];
  return to === undefined ? undefined : { name: "rename", path: from, to };
}

/** What is wrong with how `path` came to be, or undefined. */
function findFlaw(calls: readonly Call[], path: string): string | undefined {
  const at = calls.findLastIndex(({ name, to }) => name === "rename" && to === path);
  if (at < 0) return findFolderFlaw(calls, path);
  const draft = calls[at].path;
  const before = calls.slice(0, at);
  const written = before.findLastIndex((call) => call.name === "write" && call.path === draft);
  const flushed = before.findLastIndex((call) => call.name === "sync" && call.path === draft);
  if (flushed < 0 || flushed < written) return `${path}: was not flushed between the last write and the rename`;
  return isFlushed(calls.slice(at), dirname(path)) ? undefined : `${path}: its folder was not flushed after the rename`;
}

/** A file that came with its folder was durable in there before the folder got its name. */
function findFolderFlaw(calls: readonly Call[], path: string): string | undefined {
  for (let above = dirname(path); above.startsWith(into); above = dirname(above)) {
    const at = calls.findLastIndex(({ name, to }) => name === "rename" && to === above);
    if (at < 0) continue;
    const inside = findFlaw(calls.slice(0, at), path.replace(above, calls[at].path));
    if (inside !== undefined) return inside;
    return isFlushed(calls.slice(at), dirname(above))
      ? undefined
      : `${above}: its folder was not flushed after the rename`;
  }
  return `${path}: was not renamed into its place`;
}

const isFlushed = (calls: readonly Call[], path: string) =>
  calls.some((call) => call.name === "sync" && call.path === path);

const assertDurable = (calls: readonly Call[], ...paths: string[]) =>
  assert.deepEqual(
    paths.flatMap((path) => findFlaw(calls, path) ?? []),
    [],
  );

describe("on the way to the disk", needsStrace, () => {
  before(async () => {
    inputs = await makeInputs(folder, { CANOPY_CACHE: cache });
    mkdirSync(into);
  });

  it("every output of every command is flushed, renamed, and its folder flushed", async () => {
    for (const command of outputCommands(inputs, into)) {
      command.prepare?.();
      const calls = await canopy(command);
      assertDurable(calls, ...command.outputs);
    }
  });

  it("a run commits its list, its identity and each part before its output", async () => {
    const out = join(into, "parts.csv");
    const args = ["predict", inputs.tiles, "--model", inputs.model, "--backbone", inputs.backbone, "--out", out];
    const calls = await canopy({ what: "predict", args, outputs: [], old: [] });
    const files = ["tiles.jsonl", "run.json", "part-000000.rows", "part-000000.json"].map((name) =>
      join(`${out}.parts`, name),
    );
    assertDurable(calls, ...files);
    const order = [...files, `${out}.rejects.jsonl`, out, `${out}.manifest.json`];
    const renames = calls.flatMap(({ to }) => (to !== undefined && order.includes(to) ? [to] : []));
    assert.deepEqual(renames, order);
    // Output, rejects and manifest are on the disk before any of them takes its place.
    const first = calls.findIndex(({ to }) => to === `${out}.rejects.jsonl`);
    for (const path of order.slice(-3)) {
      assert.ok(isFlushed(calls.slice(0, first), calls.find(({ to }) => to === path)?.path as string), path);
    }
  });

  it("of a model that is replaced, model.json is last", async () => {
    const model = join(into, "saved");
    const script = `const { loadCheckpoint, saveCheckpoint } = await import(${JSON.stringify(join(ROOT, "dist/src/head/checkpoint.js"))});
      const checkpoint = await loadCheckpoint(${JSON.stringify(inputs.model)});
      for (let i = 0; i < 2; i++) await saveCheckpoint(${JSON.stringify(model)}, checkpoint);`;
    const calls = await record(["--input-type=module", "-e", script]);
    const files = ["head.safetensors", "history.csv", "model.json"].map((name) => join(model, name));
    assertDurable(calls, ...files);
    assert.deepEqual(
      calls.flatMap(({ to }) => to ?? []),
      [...files, ...files],
    );
  });

  it("a model that is pulled is flushed before it has its name", async (t) => {
    const content = Buffer.alloc(100_000, "network");
    const server = createServer((_, response) => void response.end(content));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    t.after(() => server.close());
    const target = join(into, "pulled/a.onnx");
    const { hash } = await import("node:crypto");
    const request = {
      url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/a.onnx`,
      target,
      byteLength: content.length,
      sha256: hash("sha256", content),
      what: "it",
      otherwise: "",
    };
    const script = `const { download } = await import(${JSON.stringify(join(ROOT, "dist/src/models/download.js"))});
      await download(${JSON.stringify(request)});`;
    assertDurable(await record(["--input-type=module", "-e", script]), target);
  });
});

describe("the record of what the system was asked for", () => {
  const done = (path: string): Call[] => [
    { name: "write", path: `${path}.tmp` },
    { name: "sync", path: `${path}.tmp` },
    { name: "rename", path: `${path}.tmp`, to: path },
    { name: "sync", path: dirname(path) },
  ];

  it("shows what is missing", () => {
    const path = join(into, "a/b.txt");
    const calls = done(path);
    assert.equal(findFlaw(calls, path), undefined);
    assert.match(findFlaw([calls[1], calls[0], ...calls.slice(2)], path) as string, /not flushed between/);
    for (let i = 1; i < 4; i++) assert.notEqual(findFlaw(calls.toSpliced(i, 1), path), undefined);
    assert.match(findFlaw([...calls.slice(0, 2), calls[3], calls[2]], path) as string, /its folder was not flushed/);
  });

  it("is read from calls that overlap", () => {
    const log = [
      '7 write(20</out/a.tmp>, ""..., 3) = 3',
      "7 fsync(20</out/a.tmp> <unfinished ...>",
      '8 rename("/out/x.tmp", "/out/x") = 0',
      "7 <... fsync resumed>)        = 0",
      '7 renameat2(AT_FDCWD</here>, "/out/a.tmp", AT_FDCWD</here>, "/out/a", 0) = 0',
    ];
    assert.deepEqual(parse(log.join("\n")), [
      { name: "write", path: "/out/a.tmp" },
      { name: "rename", path: "/out/x.tmp", to: "/out/x" },
      { name: "sync", path: "/out/a.tmp" },
      { name: "rename", path: "/out/a.tmp", to: "/out/a" },
    ]);
  });
});
