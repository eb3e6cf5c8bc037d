/**
 * Where a disk is full, or files may not grow, every output of every command is whole, or the command fails and the old one is intact.
 * CANOPY_SIZES=20 tries that many sizes for each command, and more of its forms, which takes an hour.
 */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { after, before, describe, it } from "node:test";
import { type CliResult, mountDisk, runCli, suiteFolder } from "../helpers.js";
import { type Inputs, makeInputs } from "./output-inputs.js";
import { type OutputCommand, otherForms, outputCommands, overwriting } from "./outputs.js";

const folder = suiteFolder();
const ample = join(folder, "ample");
const disk = join(folder, "disk");
const env = { CANOPY_CACHE: join(folder, "cache") };
let inputs: Inputs;

const OLD = "an older output\n";
const PAGE = 4096;
/** What holds times of the run, and is never twice the same. */
const TIMED = /(report\.(json|html)|summary\.json)$/;
/** How many sizes a command is tried on. */
const SIZES = Number(process.env["CANOPY_SIZES"] ?? 2);
const sweeps = SIZES > 2;

function commandsInto(place: string): OutputCommand[] {
  return [...outputCommands(inputs, place), ...(sweeps ? otherForms(inputs, place) : [])];
}

function run(command: OutputCommand, limitKilobytes?: number): CliResult {
  const args = overwriting(command);
  const options = { env: { ...env, ...command.env } };
  return runCli(args, limitKilobytes === undefined ? options : { ...options, fileKilobytes: limitKilobytes });
}

function putOld({ old, prepare }: OutputCommand): void {
  prepare?.();
  for (const path of old) {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, OLD);
  }
}

/** Whole, as on a disk with room; or a sentence, nothing half done, and what was there before. Gives whether it failed. */
function check(command: OutputCommand, reference: OutputCommand, { status, stderr }: CliResult, what: string): boolean {
  const left = existsSync(disk) ? readdirSync(disk, { recursive: true, encoding: "utf8" }) : [];
  // Drafts have a process in their name; what can be gone on with has not.
  assert.deepEqual(
    left.filter((name) => /-\d+-[0-9a-f]{8}\.canopy-tmp$/.test(name)),
    [],
    what,
  );
  if (status === 0) {
    for (const [i, path] of command.outputs.entries()) {
      if (TIMED.test(path)) assert.ok(statSync(path).size > 0, what);
      else assert.ok(readFileSync(path).equals(readFileSync(reference.outputs[i])), `${what}: ${path}`);
    }
    return false;
  }
  assert.equal(status, 1, `${what}: ${stderr}`);
  const sentence = stderr.trimEnd().split("\n").at(-1) as string;
  assert.match(sentence, /^canopy: (No space is left on the disk|The limit for the size of a file|.*ENOSPC)/, what);
  assert.ok(sentence.includes(disk), `${what}: ${sentence}`);
  assert.equal(/resume/.test(sentence), command.resumes === true, `${what}: ${sentence}`);
  for (const path of command.old) {
    const now = readFileSync(path);
    const whole = reference.outputs[command.outputs.indexOf(path)];
    if (!(command.oneByOne && now.equals(readFileSync(whole)))) assert.equal(now.toString(), OLD, `${what}: ${path}`);
  }
  return true;
}

/** False where a disk cannot be made here. */
function onDisk(kilobytes: number, work: () => void): boolean {
  if (!mountDisk(disk, `${kilobytes}k`)) return false;
  try {
    work();
  } finally {
    execFileSync("umount", [disk]);
  }
  return true;
}

/** Disk space of files, in pages. */
function pagesOf(paths: readonly string[]): number {
  return paths.reduce((sum, path) => sum + Math.ceil(statSync(path).size / PAGE), 0);
}

/** Of what is there before a command. */
function pagesBefore(command: OutputCommand): number {
  putOld(command);
  const names = readdirSync(disk, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const pages = pagesOf(names.map(({ parentPath, name }) => join(parentPath, name)));
  empty(disk);
  return Math.max(1, pages);
}

function empty(place: string): void {
  rmSync(place, { recursive: true });
  mkdirSync(place);
}

/** Numbers from 0 on: two of them, or as many as are asked for and on until `isEnough`. */
function* sizesUpTo(most: number, isEnough: () => boolean): Generator<number> {
  if (!sweeps) return yield* new Set([0, most - 1]);
  const step = Math.max(1, Math.floor(most / (SIZES - 1)));
  for (let size = 0; !isEnough(); size += step) {
    assert.ok(size <= 8 * most + 32, "no room was enough");
    yield size;
  }
}

/** With room, and what was there before put aside, `--resume` makes what failed whole. */
function goOn(command: OutputCommand, reference: OutputCommand, what: string): void {
  execFileSync("mount", ["-o", "remount,size=64m", disk]);
  for (const path of command.old) rmSync(dirname(path) === disk ? path : dirname(path), { recursive: true });
  const result = runCli([...command.args, "--resume"], { env: { ...env, ...command.env } });
  assert.equal(check(command, reference, result, `${what}, resumed`), false, `${what}: ${result.stderr}`);
}

const tally = { runs: 0, failed: 0 };

/** Runs and checks `command`; gives whether it failed. */
function attempt(command: OutputCommand, reference: OutputCommand, what: string, limitKilobytes?: number): boolean {
  putOld(command);
  const failed = check(command, reference, run(command, limitKilobytes), what);
  tally.runs++;
  tally.failed += Number(failed);
  return failed;
}

function tryPages(command: OutputCommand, reference: OutputCommand): void {
  const [least, pages] = [pagesBefore(command), pagesOf(reference.outputs)];
  let isEnough = false;
  for (const free of sizesUpTo(pages, () => isEnough)) {
    onDisk((least + free) * (PAGE / 1024), () => {
      const what = `${command.what} with ${free} free pages`;
      const failed = attempt(command, reference, what);
      assert.ok(failed || free > 0, `${what} was enough`);
      isEnough = !failed && free >= pages;
      if (failed && sweeps && command.resumes) goOn(command, reference, what);
    });
  }
}

function tryLimits(command: OutputCommand, reference: OutputCommand): void {
  const largest = Math.ceil(Math.max(...reference.outputs.map((path) => statSync(path).size)) / 1024);
  let isEnough = false;
  for (const limit of sweeps ? sizesUpTo(largest, () => isEnough) : [Math.ceil(largest / 2)]) {
    isEnough = !attempt(command, reference, `${command.what} with files of at most ${limit} kB`, limit);
    empty(disk);
  }
}

describe("without room for an output", () => {
  before(async () => {
    inputs = await makeInputs(folder, env);
    for (const path of [ample, disk]) mkdirSync(path);
    for (const command of commandsInto(ample)) {
      putOld(command);
      const { status, stderr } = run(command);
      assert.equal(status, 0, `${command.what}: ${stderr}`);
    }
  });
  after(() => console.log(`# ${tally.runs} runs, of which ${tally.failed} found too little room`));

  it("each command leaves it whole, or fails and leaves the old one", async (t) => {
    if (!onDisk(PAGE, () => {})) return t.skip("a small tmpfs cannot be mounted here");
    const references = commandsInto(ample);
    for (const [i, command] of commandsInto(disk).entries()) {
      await t.test(command.what, () => tryPages(command, references[i]));
    }
  });

  it("a command says that a disk is read-only", (t) => {
    if (!mountDisk(disk, "64k")) return t.skip("a small tmpfs cannot be mounted here");
    try {
      execFileSync("mount", ["-o", "remount,ro", disk]);
      // One of each kind of output: a file, several, a folder, a run, the cache.
      const kinds = /^(synth|fix|export|predict to tags.csv|models import)$/;
      for (const command of outputCommands(inputs, disk).filter(({ what }) => kinds.test(what))) {
        const { status, stderr } = run(command);
        assert.equal(status, 1, `${command.what}: ${stderr}`);
        const sentence = stderr.trimEnd().split("\n").at(-1) as string;
        assert.match(
          sentence,
          /^canopy: (The file system is read-only: |The folder .* cannot be (made|written into))/,
          command.what,
        );
        assert.ok(sentence.includes(disk), sentence);
      }
    } finally {
      execFileSync("umount", [disk]);
    }
  });

  it("or where no file may be larger than a part of the largest", async (t) => {
    const references = commandsInto(ample);
    for (const [i, command] of commandsInto(disk).entries()) {
      await t.test(command.what, () => tryLimits(command, references[i]));
    }
  });
});
