/** The last line of defence: one sentence and an exit code, whatever the system refuses to the process itself. */
import assert from "node:assert/strict";
import { type StdioOptions, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, openSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { describe, it } from "node:test";
import { writeToyTiles } from "../engine/toy.js";
import { ROOT, suiteFolder } from "../helpers.js";

const ROOT_FOLDER = suiteFolder();
const TILES = join(ROOT_FOLDER, "tiles");
await writeToyTiles(TILES, 4);
const PICTURE = join(TILES, "tile_000000.jpg");

interface Start {
  args: string[];
  stdio?: StdioOptions;
  /** Shell commands before it starts. */
  before?: string;
}

function start({ args, stdio = "pipe", before = ":" }: Start) {
  const command = [process.execPath, join(ROOT, "dist/src/cli/main.js"), ...args];
  return spawn("bash", ["-c", `${before}; exec "$@"`, "bash", ...command], { stdio });
}

async function statusOf(child: ReturnType<typeof start>): Promise<{ status: number; stderr: string }> {
  const [stderr, [status]] = await Promise.all([text(child.stderr!), once(child, "close")]);
  return { status, stderr };
}

const LINE = /^canopy: [^\n]*\.\n$/;
const noDevice = existsSync("/dev/full") ? {} : { skip: "there is no /dev/full" };

describe("output that cannot be written", () => {
  for (const args of [["inspect", TILES, "--json"], ["inspect", TILES], ["--help"]]) {
    it(`is no success: ${args.at(-1)} to a reader who has gone`, async () => {
      const child = start({ args });
      child.stdout!.destroy();
      assert.deepEqual(await statusOf(child), {
        status: 1,
        stderr: "canopy: Standard output could not be written (EPIPE).\n",
      });
    });

    it(`is no success: ${args.at(-1)} on a device that is full`, noDevice, async () => {
      const child = start({ args, stdio: ["ignore", openSync("/dev/full", "w"), "pipe"] });
      assert.deepEqual(await statusOf(child), {
        status: 1,
        stderr: "canopy: Standard output could not be written (ENOSPC).\n",
      });
    });
  }

  it("ends no run where nobody wants its messages", noDevice, async () => {
    const whole = start({ args: ["inspect", TILES, "--json"] });
    const expected = await text(whole.stdout!);
    for (const stderr of [openSync("/dev/full", "w"), "pipe"] as const) {
      const child = start({
        args: ["inspect", join(TILES, "*.none"), TILES, "--json"],
        stdio: ["ignore", "pipe", stderr],
      });
      child.stderr?.destroy();
      const [[status]] = await Promise.all([once(child, "close"), text(child.stdout!)]);
      assert.equal(status, 1);
      const good = start({ args: ["inspect", TILES, "--json"], stdio: ["ignore", "pipe", stderr] });
      good.stderr?.destroy();
      const [[done], stdout] = await Promise.all([once(good, "close"), text(good.stdout!)]);
      assert.deepEqual([done, stdout], [0, expected]);
    }
  });
});

describe("a process that gets little", () => {
  it("says how many files it may open, where modules cannot be loaded for that", async () => {
    for (const count of [25, 30]) {
      const { status, stderr } = await statusOf(start({ args: ["inspect", TILES], before: `ulimit -n ${count}` }));
      assert.equal(status, 1);
      assert.match(stderr, LINE);
      assert.match(stderr, new RegExp(`Only ${count} files may be open at once \\(ulimit -n\\): raise that`));
    }
  });

  it("says that its folder is gone", async () => {
    const gone = join(ROOT_FOLDER, "gone");
    const before = `mkdir ${gone} && cd ${gone} && rmdir ${gone}`;
    const { status, stderr } = await statusOf(start({ args: ["inspect", "tiles"], before }));
    assert.equal(status, 1);
    assert.match(stderr, /^canopy: The current folder is gone, or cannot be read: change to another one\.\n$/);
  });
});

describe("with --json, a failure", () => {
  const noModel = join(ROOT_FOLDER, "no-model");
  const predict = ["predict", TILES, "--model", noModel, "--out", join(ROOT_FOLDER, "tags.csv")];
  for (const [what, args, code, file] of [
    ["of use", ["inspect", TILES, "--lables", "x"], "USAGE", null],
    ["of an option's value", [...predict, "--threshold", "7"], "USAGE", null],
    ["of a file", predict, "INPUT", join(noModel, "model.json")],
    ["of an input", ["inspect", join(ROOT_FOLDER, "gone.tar")], "INPUT", join(ROOT_FOLDER, "gone.tar")],
    ["of an output", ["labels", "import", "labels.csv", "--out", PICTURE], "INPUT", PICTURE],
  ] as const) {
    it(`${what} is an object on stdout beside the sentence on stderr`, async () => {
      const child = start({ args: [...args, "--json"] });
      const [stdout, { stderr }] = await Promise.all([text(child.stdout!), statusOf(child)]);
      const { error } = JSON.parse(stdout);
      assert.deepEqual([error.code, error.file], [code, file]);
      assert.ok(stderr.startsWith(`canopy: ${error.message}\n`), stderr);
    });
  }
});
