/** Nothing leaves the machine: what runs ask the system for, recorded by strace around them and all their children. */
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { before, describe, it } from "node:test";
import { ROOT, suiteFolder } from "../helpers.js";
import { type Inputs, makeInputs } from "./output-inputs.js";
import { outputCommands } from "./outputs.js";

const TRACED = "socket,connect,sendto,openat,open,creat,mkdir,mkdirat,symlink,symlinkat,link,linkat";
const traces = spawnSync("strace", ["-f", "-e", "trace=socket", "true"]).status === 0;
const needsStrace = traces ? {} : { skip: "strace is not here, or may not trace" };

const folder = suiteFolder();
const into = join(folder, "out");
const home = join(folder, "home");
let inputs: Inputs;

/** Runs `node ...args` with an empty home in `into`; its sockets, and the files it opened for writing elsewhere. */
function findTraces(args: string[], env: Record<string, string> = {}): string[] {
  const log = join(folder, "strace.log");
  const strace = ["-f", "-y", "--seccomp-bpf", "-e", `trace=${TRACED}`, "-e", "signal=none", "-o", log];
  const { ORT_DISABLE_TELEMETRY, XDG_CACHE_HOME, ...inherited } = process.env;
  const { status, stderr } = spawnSync("strace", [...strace, process.execPath, ...args], {
    cwd: into,
    env: { ...inherited, HOME: home, TMPDIR: home, CANOPY_CACHE: join(into, "cache"), ...env },
    encoding: "utf8",
  });
  assert.equal(status, 0, stderr);
  return readFileSync(log, "utf8").split("\n").filter(leaves);
}

function leaves(call: string): boolean {
  if (/^\d+ +(socket|connect|sendto)\(/.test(call)) return true;
  if (!/O_WRONLY|O_RDWR|O_CREAT|^\d+ +(creat|mkdir|link|symlink)/.test(call) || / = -1 /.test(call)) return false;
  const path = /= \d+<([^>]*)>/.exec(call)?.[1] ?? call;
  return !path.includes(`${into}/`) && !/^\/(dev|proc)\//.test(path);
}

const canopy = (args: string[], env?: Record<string, string>): string[] =>
  findTraces([join(ROOT, "dist/src/cli/main.js"), ...args], env);

describe("no socket is opened, and no file outside the outputs and the cache", needsStrace, () => {
  before(async () => {
    for (const path of [into, home]) mkdirSync(path);
    inputs = await makeInputs(folder, { CANOPY_CACHE: join(into, "cache") });
  });

  it("by commands that train, predict, export and try networks out, each in its threads and children", () => {
    const commands = outputCommands(inputs, into);
    for (const name of ["train", "predict to tags.csv", "export", "models import"]) {
      const command = commands.find(({ what }) => what === name);
      assert.ok(command);
      assert.deepEqual(canopy(command.args, command.env), [], name);
    }
    assert.deepEqual(canopy(["doctor"]), []);
    assert.deepEqual(readdirSync(home), []);
  });

  it("by training without the addon, where ONNX Runtime does the steps", () => {
    const { args } = outputCommands(inputs, into).find(({ what }) => what === "train") as { args: string[] };
    assert.deepEqual(canopy([...args, "--overwrite"], { CANOPY_NO_ADDON: "1" }), []);
  });

  it("by a program that uses the library in its main thread or in a worker", () => {
    const { model, backbone, tiles } = inputs;
    const tag = `import(${JSON.stringify(join(ROOT, "dist/src/index.js"))}).then(async ({ Tagger }) => {
      const tagger = await Tagger.open(${JSON.stringify(model)}, { backbone: ${JSON.stringify(backbone)} });
      await tagger.tag([${JSON.stringify(join(tiles, "synth_0.jpg"))}]);
      await tagger.close();
    });`;
    const inWorker = `new (require("node:worker_threads").Worker)(${JSON.stringify(tag)}, { eval: true });`;
    for (const script of [tag, inWorker]) assert.deepEqual(findTraces(["-e", script]), []);
  });

  it("but to the servers whose addresses the user named", async (t) => {
    const { model, backbone, tiles } = inputs;
    const file = JSON.stringify(join(tiles, "synth_0.jpg"));
    const script = `require("node:http").createServer((_, response) => response.end(require("node:fs").readFileSync(${file})))
      .listen(0, "127.0.0.1", function () { console.log(this.address().port); })`;
    const server = spawn(process.execPath, ["-e", script], { stdio: ["ignore", "pipe", "inherit"] });
    t.after(() => server.kill());
    const [port] = await once(server.stdout, "data");
    const options = ["--model", model, "--backbone", backbone, "--out", join(into, "remote.csv")];
    const calls = canopy(["predict", `http://127.0.0.1:${Number(port)}/synth_0.jpg`, ...options]);
    const other = calls.filter((call) => !/ socket\(AF_INET, SOCK_STREAM/.test(call));
    assert.ok(other.length > 0);
    const named = `sin_port=htons(${Number(port)}), sin_addr=inet_addr("127.0.0.1")`;
    assert.deepEqual(
      other.filter((call) => !call.includes(named)),
      [],
    );
  });

  it("is what these tests would notice", () => {
    const write = `fs.writeFileSync(${JSON.stringify(join(home, "id"))}, "")`;
    const connect = 'net.connect(9, "127.0.0.1").on("error", () => {})';
    for (const script of [write, connect]) assert.notDeepEqual(findTraces(["-e", script]), []);
  });
});
