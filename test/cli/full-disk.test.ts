/** Where a disk is full, or files may not grow, every output of every command is whole, or the command fails and the old one is intact. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { before, describe, it } from "node:test";
import { type CliResult, mountDisk, runCli, suiteFolder } from "../helpers.js";
import { type Inputs, makeInputs, type OutputCommand, outputCommands } from "./outputs.js";

const folder = suiteFolder();
const ample = join(folder, "ample");
const disk = join(folder, "disk");
const env = { CANOPY_CACHE: join(folder, "cache") };
let inputs: Inputs;

const OLD = "an older output\n";
const PAGE = 4096;
/** What holds times of the run, and is never twice the same. */
const TIMED = /report\.(json|html)$/;

function run(command: OutputCommand, limitKilobytes?: number): CliResult {
  const args = [...command.args, "--overwrite"];
  const options = { env: { ...env, ...command.env } };
  return runCli(args, limitKilobytes === undefined ? options : { ...options, fileKilobytes: limitKilobytes });
}

function putOld({ old }: OutputCommand): void {
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
  for (const path of command.old) assert.equal(readFileSync(path, "utf8"), OLD, `${what}: ${path}`);
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

/** Disk space of what a command leaves, in pages. */
function pagesOf(command: OutputCommand): number {
  return command.outputs.reduce((sum, path) => sum + Math.ceil(statSync(path).size / PAGE), 0);
}

describe("without room for an output", () => {
  before(async () => {
    inputs = await makeInputs(folder, env);
    for (const path of [ample, disk]) mkdirSync(path);
    for (const command of outputCommands(inputs, ample)) {
      putOld(command);
      const { status, stderr } = run(command);
      assert.equal(status, 0, `${command.what}: ${stderr}`);
    }
  });

  it("each command leaves it whole, or fails and leaves the old one", (t) => {
    if (!onDisk(PAGE, () => {})) return t.skip("a small tmpfs cannot be mounted here");
    const references = outputCommands(inputs, ample);
    for (const [i, command] of outputCommands(inputs, disk).entries()) {
      const pages = pagesOf(references[i]);
      const least = Math.max(1, command.old.length);
      for (const size of new Set([least, least + pages - 1])) {
        onDisk(size * (PAGE / 1024), () => {
          putOld(command);
          const failed = check(command, references[i], run(command), `${command.what} on ${size} pages`);
          assert.ok(failed || size > least, `${command.what}: no room was enough`);
        });
      }
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

  it("or where no file may be larger than half of the largest", () => {
    const references = outputCommands(inputs, ample);
    for (const [i, command] of outputCommands(inputs, disk).entries()) {
      const largest = Math.max(...references[i].outputs.map((path) => statSync(path).size));
      putOld(command);
      check(command, references[i], run(command, Math.ceil(largest / 2048)), `${command.what} under ulimit`);
      rmSync(disk, { recursive: true });
      mkdirSync(disk);
    }
  });
});
