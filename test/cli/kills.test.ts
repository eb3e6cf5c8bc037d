/**
 * Killed at any flush, rename or write, a command leaves each output old or new, and the next run makes it whole and clears what was
 * left. CANOPY_KILLS=1 kills at every flush and rename, and at many more writes, which takes minutes.
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { before, describe, it } from "node:test";
import { createFolderDraft } from "../../src/files/folder-draft.js";
import { resumablePath } from "../../src/files/temporary.js";
import { createRandom } from "../../src/random.js";
import { ROOT, runCli, suiteFolder } from "../helpers.js";
import { type Inputs, makeInputs } from "./output-inputs.js";
import { type OutputCommand, outputCommands, overwriting } from "./outputs.js";

type Call = "fsync" | "rename" | "write";

const STRACE = ["-f", "-qq", "-o", "/dev/null", "-e", "signal=none"];
const killAt = (call: Call, nth: number) => [
  ...STRACE,
  ...["-e", `trace=${call}`, "-e", `inject=${call}:signal=KILL:when=${nth}`],
];
const canKill = spawnSync("strace", [...killAt("fsync", 1), "true"]).status === 0;
const needsStrace = canKill ? {} : { skip: "strace is not here, or may not trace" };

const folder = suiteFolder();
const env = { CANOPY_CACHE: join(folder, "cache") };
const [ample, into] = [join(folder, "ample"), join(folder, "out")];
const FOLDER_DRAFT = join(ROOT, "dist/src/files/folder-draft.js");
const MAIN = join(ROOT, "dist/src/cli/main.js");
const OLD = "an older output\n";
let inputs: Inputs;

/** Runs `node ...args`, which dies at the `nth` of its calls; false where it has fewer. One thread does all, for strace counts by thread. */
function killed(args: string[], call: Call, nth: number, more: Record<string, string> = {}): boolean {
  const { status, signal, stderr } = spawnSync("strace", [...killAt(call, nth), process.execPath, ...args], {
    env: { ...process.env, ...env, ...more, UV_THREADPOOL_SIZE: "1" },
    encoding: "utf8",
  });
  if (status === 0) return false;
  assert.ok(signal === "SIGKILL" || status === 137, stderr);
  return true;
}

const wordsOf = (command: OutputCommand) => [...overwriting(command), "--quiet"];

function rerun(command: OutputCommand): void {
  const { status, stderr } = runCli(wordsOf(command), { env: { ...env, ...command.env } });
  assert.equal(status, 0, stderr);
}

/** The older output, where it stands, or where a folder waits to be put back. */
function readOld(old: string): string | undefined {
  const aside = join(resumablePath(`${dirname(old)}.replaced`), basename(old));
  const at = [old, aside].find((path) => existsSync(path));
  return at === undefined ? undefined : readFileSync(at, "utf8");
}

/** No manifest beside an output that it does not describe. */
function assertTogether(old: readonly string[], when: string): void {
  const path = old.find((each) => each.endsWith(".manifest.json"));
  const manifest = path && readOld(path);
  if (manifest !== undefined) assert.equal(readOld(old[0]) === OLD, manifest === OLD, when);
}

function putOld({ old, prepare }: Pick<OutputCommand, "old" | "prepare">): void {
  prepare?.();
  for (const path of old) {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, OLD);
  }
}

const temporaries = () =>
  readdirSync(into, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".canopy-tmp"));

function find(what: string, place: string): OutputCommand {
  return outputCommands(inputs, place).find((command) => command.what === what) as OutputCommand;
}

describe("a command that is killed", needsStrace, () => {
  before(async () => {
    inputs = await makeInputs(folder, env);
    for (const path of [ample, into]) mkdirSync(path);
  });

  const all = process.env["CANOPY_KILLS"] !== undefined;
  // Most writes only wake another thread.
  for (const [what, calls, step] of [
    ["labels import", ["fsync", "rename"], 1],
    ["labels import", ["write"], 45],
    ["models import", ["fsync", "rename"], 1],
    ["merge", ["rename"], 1],
    ["index", ["fsync", "rename"], 2],
    ["synth", ["rename"], 1],
    ["train", ["fsync", "rename"], 7],
    ["train", ["write"], 150],
  ] as const) {
    it(`${what}: leaves old or new at a ${calls.join(" or ")}, whichever`, () => {
      const [reference, command] = [find(what, ample), find(what, into)];
      rerun(reference);
      const whole = reference.outputs.map((path) => readFileSync(path));
      let kills = 0;
      for (const call of calls) {
        for (let nth = 1; ; nth += all ? Math.ceil(step / 15) : step) {
          putOld(command);
          if (!killed([MAIN, ...wordsOf(command)], call, nth, command.env)) break;
          kills++;
          for (const path of command.old) {
            const now = readOld(path);
            const expected = whole[command.outputs.indexOf(path)];
            // A manifest is away while its output is replaced.
            if (now === undefined && path.endsWith(".manifest.json")) continue;
            assert.ok(now === OLD || now === expected.toString("utf8"), `${call} ${nth}: ${path}: ${now}`);
          }
          assertTogether(command.old, `${call} ${nth}`);
        }
      }
      assert.ok(kills >= calls.length, String(kills));
      rerun(command);
      assert.deepEqual(temporaries(), []);
    });
  }

  it("train: killed at random moments and resumed, ends with the same files", (t) => {
    const [reference, command] = [find("train", ample), find("train", into)];
    rerun(reference);
    rmSync(join(into, "model"), { recursive: true, force: true });
    const words = [...command.args, "--quiet", "--resume"];
    const random = createRandom(7);
    let kills = 0;
    for (let i = 0; i < (all ? 20 : 3); i++) {
      kills += Number(killed([MAIN, ...words], "write", 1 + random.below(450)));
    }
    t.diagnostic(`${kills} kills hit`);
    const { status, stderr } = runCli(words, { env });
    assert.equal(status, 0, stderr);
    for (const [i, path] of command.outputs.entries()) {
      // These hold times of the run.
      if (/(report\.json|report\.html|summary\.json)$/.test(path)) continue;
      assert.ok(readFileSync(path).equals(readFileSync(reference.outputs[i])), path);
    }
    assert.deepEqual(temporaries(), []);
  });

  it("over putting a folder in the place of an old one leaves one of them, for the next to find", async () => {
    const out = join(into, "model");
    const script = `const { createFolderDraft } = await import(${JSON.stringify(FOLDER_DRAFT)});
      const { writeWhole } = await import(${JSON.stringify(join(dirname(FOLDER_DRAFT), "write.js"))});
      const draft = await createFolderDraft(${JSON.stringify(out)});
      await writeWhole(draft.path + "/model.json", "new");
      await draft.publish();`;
    const seen = new Set<string>();
    for (let nth = 1; ; nth++) {
      rmSync(out, { recursive: true, force: true });
      putOld({ old: [join(out, "model.json")] });
      const died = killed(["--input-type=module", "-e", script], "rename", nth);
      if (!existsSync(out)) seen.add("between");
      await (await createFolderDraft(out)).abandon();
      seen.add(readFileSync(join(out, "model.json"), "utf8"));
      if (!died) break;
    }
    assert.deepEqual([...seen].sort(), ["between", "new", OLD].sort());
    assert.deepEqual(temporaries(), []);
  });
});
