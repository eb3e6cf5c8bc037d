/** What the system, a signal or another process does to a command. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import sharp from "sharp";
import { whileLocked } from "../../src/files/lock.js";
import { ROOT } from "../helpers.js";
import type { Attack, Command, Given } from "./attack.js";

const OLD = "an older output\n";
const KILL = ["-f", "-qq", "-o", "/dev/null", "-e", "signal=none", "-e", "trace=fsync"];
const KILL_FIRST = ["-e", "inject=fsync:signal=KILL:when=1"];
const noMount = spawnSync("unshare", ["-m", "true"]).status === 0 ? undefined : "file systems cannot be mounted here";
const noStrace =
  spawnSync("strace", [...KILL, ...KILL_FIRST, "true"]).status === 0
    ? undefined
    : "strace is not here, or may not trace";

/** Labels of 3,000 tiles written over an older output, 66 kB. */
function overOld({ folder }: Given): Command {
  const rows = Array.from({ length: 3000 }, (_, i) => `tile_${String(i).padStart(6, "0")},some_tag\n`);
  writeFileSync(join(folder, "labels.csv"), `image_name,tags\n${rows.join("")}`);
  mkdirSync(join(folder, "to"));
  const out = join(folder, "to/out.csv");
  writeFileSync(out, OLD);
  return { args: ["labels", "import", join(folder, "labels.csv"), "--out", out, "--overwrite"] };
}

/** The older output, and nothing beside it. */
function isOld({ folder }: Given): void {
  assert.deepEqual(readdirSync(join(folder, "to")), ["out.csv"]);
  assert.equal(readFileSync(join(folder, "to/out.csv"), "utf8"), OLD);
}

function isWhole({ folder }: Given): void {
  assert.deepEqual(readdirSync(join(folder, "to")), ["out.csv"]);
  assert.equal(readFileSync(join(folder, "to/out.csv"), "utf8").split("\n").length, 3002);
}

/** A disk of its own for the command, and a copy of what is left on it. */
function onSmallDisk(given: Given): Command {
  const command = overOld(given);
  const to = join(given.folder, "to");
  const before = `mount -t tmpfs -o size=16k tmpfs ${to}; echo an older output >${to}/out.csv`;
  return { ...command, before, shell: `"$@"; status=$?; ls -A ${to}; cat ${to}/out.csv; exit $status`, unshared: true };
}

function killedOnce(given: Given): Command {
  const command = overOld(given);
  const words = [process.execPath, join(ROOT, "dist/src/cli/main.js"), ...command.args];
  const env = { ...process.env, CANOPY_CACHE: join(given.folder, "cache") };
  const { signal, status } = spawnSync("strace", [...KILL, ...KILL_FIRST, ...words], { env });
  assert.ok(signal === "SIGKILL" || status === 137, "it was not killed");
  assert.equal(readFileSync(join(given.folder, "to/out.csv"), "utf8"), OLD);
  return command;
}

/** Another process, here this one, is at work on the same output until the command has ended. */
function whileAnother({ folder }: Given): Command {
  const out = join(folder, "set");
  let end = () => {};
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  const locked = whileLocked(out, {}, () => ended);
  return {
    args: ["synth", "--count", "2", "--size", "32", "--workers", "1", "--out", out],
    end: async () => {
      end();
      await locked;
    },
  };
}

async function dearPictures({ folder, model }: Given): Promise<Command> {
  const side = 5792;
  const picture = { width: side, height: side, channels: 3, background: "red" } as const;
  writeFileSync(join(folder, "a.webp"), await sharp({ create: picture }).webp({ effort: 0 }).toBuffer());
  writeFileSync(join(folder, "list.txt"), `${join(folder, "a.webp")}\n`.repeat(500));
  // Some time after the first tiles were handed out.
  let asked = 0;
  const when = () => existsSync(join(folder, "out.csv.parts/in-flight-run")) && ++asked > 40;
  const args = ["predict", `@${join(folder, "list.txt")}`, "--model", model, "--workers", "1"];
  return {
    args: [...args, "--out", join(folder, "out.csv")],
    signal: { name: "SIGTERM", when },
  };
}

const inspect = ({ tiles }: Given): string[] => ["inspect", tiles, "--workers", "1", "--json"];

export const SYSTEM: readonly Attack[] = [
  {
    what: "a full disk",
    happens: "a sentence, exit code 1, the older output as it was, and no leftovers",
    megabytes: 300,
    seconds: 10,
    make: onSmallDisk,
    status: 1,
    says: /^out\.csv\nan older output\n[\s\S]*^canopy: No space is left on the disk: [^\n]*\n$/m,
    skip: noMount,
  },
  {
    what: "a limit for the size of files (`ulimit -f`)",
    happens: "the same",
    megabytes: 300,
    seconds: 10,
    make: (given) => ({ ...overOld(given), before: "ulimit -f 16" }),
    status: 1,
    says: /^canopy: The limit for the size of a file/m,
    check: isOld,
  },
  {
    what: "SIGKILL while an output is flushed",
    happens: "the older output as it was; the next run is whole, and clears what was left",
    megabytes: 300,
    seconds: 10,
    make: killedOnce,
    status: 0,
    says: /3000 tiles/,
    check: isWhole,
    skip: noStrace,
  },
  {
    what: "two commands for the same output at once",
    happens: "the second is refused, and changes nothing",
    megabytes: 300,
    seconds: 10,
    make: whileAnother,
    status: 1,
    says: /is working on this output/,
    check: ({ folder }) => assert.ok(!existsSync(join(folder, "set"))),
  },
  {
    what: "SIGTERM while the largest pictures are decoded",
    happens: "ends after the one in hand, at most two seconds of a processor; `--resume` goes on",
    megabytes: 1000,
    seconds: 30,
    make: dearPictures,
    status: 130,
    says: /Interrupted; what was done so far is saved/,
  },
  {
    what: "40 file handles (`ulimit -n 40`)",
    happens: "a sentence that says how many are needed",
    megabytes: 300,
    seconds: 10,
    make: (given) => ({ args: inspect(given), before: "ulimit -n 40" }),
    status: 1,
    says: /^canopy: Only 40 files may be open at once \(ulimit -n\): raise that to 256 or more\.\n$/m,
  },
  {
    what: "a reader of standard output who has gone, or a full device there",
    happens: "a sentence, and exit code 1",
    megabytes: 300,
    seconds: 10,
    make: (given) => [
      { args: inspect(given), shell: 'exec "$@" >/dev/full' },
      { args: inspect(given), shell: 'set -o pipefail; "$@" | true' },
    ],
    status: 1,
    says: /^canopy: Standard output could not be written \((ENOSPC|EPIPE)\)\.\n$/,
  },
  {
    what: "a home folder that is read-only",
    happens: "a warning; the command goes on without its cache",
    megabytes: 800,
    seconds: 30,
    make: (given) => {
      const recipe = ["--backbone", given.backbone, "--size", "16", "--epochs", "2", "--normalisation", "raw"];
      const out = join(given.folder, "model");
      return {
        args: ["train", "--tiles", given.tiles, "--labels", given.labels, "--out", out, ...recipe],
        before: "mount -t tmpfs -o ro tmpfs /root",
        env: { CANOPY_CACHE: "", HOME: "/root" },
        unshared: true,
      };
    },
    status: 0,
    says: /cannot be cached in \/root/,
    skip: noMount,
  },
  {
    what: "a `CANOPY_SIMD` that is none",
    happens: "a warning, and the fastest kernels",
    megabytes: 300,
    seconds: 10,
    make: (given) => ({ args: inspect(given), env: { CANOPY_SIMD: "avx3" } }),
    status: 0,
    says: /Warning: Expected CANOPY_SIMD to be one of/,
  },
];
